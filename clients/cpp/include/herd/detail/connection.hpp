// One connection to a node: lines in both directions, the token, and which commands the node permits. And the choice of
// the next node after a failure. One thread owns both.
#pragma once

#include <algorithm>

#include "herd/detail/socket.hpp"
#include "herd/detail/text.hpp"
#include "herd/types.hpp"

namespace herd::detail {

// The longest reply has about 4,200 bytes: a refused line of 1,024 bytes, all of which are escaped.
inline constexpr std::size_t kMaxReplyBytes = 8192;
inline constexpr std::size_t kReadBytes = 4096;

class Connection {
 public:
  // Connects and sends the token. Errors: Network, Timeout, Protocol; Refused if the token is.
  Connection(const Options& options, const std::string& host, const std::string& port) : timeout_(options.timeout) {
    const Deadline deadline = SteadyClock::now() + timeout_;
    stream_ = options.transport ? options.transport(host, port, deadline) : Socket::connect(host, port, deadline);
    if (!options.token.empty()) authenticate(options.token);
    send("INFO\n");
    const std::string info = reply();
    if (!starts_with(info, "INFO ") && info != "? INFO") {
      throw Error(ErrorKind::Protocol, "this is not a node's port for clients: it answers " + info.substr(0, 100));
    }
    const std::size_t list = info.find(" commands=");
    commands_ = list == std::string::npos ? "IAMAT,WHATSAT" : info.substr(list + sizeof(" commands=") - 1);
    needs_token_ = options.token.empty() && info.find(" auth=token") != std::string::npos;
  }

  void send(const std::string& lines) { stream_->write(lines, SteadyClock::now() + timeout_); }

  // The next line without its end; nullopt after the deadline. Errors: Network, Protocol.
  std::optional<std::string> line(Deadline deadline) {
    while (true) {
      const std::size_t end = received_.find('\n', looked_at_);
      if (end != std::string::npos) {
        std::string text = received_.substr(0, end);
        received_.erase(0, end + 1);
        looked_at_ = 0;
        return text;
      }
      looked_at_ = received_.size();
      if (looked_at_ > kMaxReplyBytes) throw Error(ErrorKind::Protocol, "a reply has more than 8192 bytes");
      char bytes[kReadBytes];
      const auto count = stream_->read(bytes, sizeof bytes, deadline);
      if (!count) return std::nullopt;
      if (*count == 0) throw Error(ErrorKind::Network, "the node has closed the connection");
      received_.append(bytes, *count);
    }
  }

  // For the replies to what is sent now.
  [[nodiscard]] Deadline deadline() const { return SteadyClock::now() + timeout_; }

  // The next line, which answers a command. Errors: as line(); Timeout.
  std::string reply() { return reply(deadline()); }
  std::string reply(Deadline deadline) {
    auto text = line(deadline);
    if (!text) throw Error(ErrorKind::Timeout, "no reply within " + std::to_string(timeout_.count()) + " ms");
    return *std::move(text);
  }

  // The reason why the node refused the last line.
  std::string why() {
    send("WHY\n");
    const std::string answer = reply();
    return starts_with(answer, "WHY ") ? answer.substr(4) : "the node gives no reason";
  }

  // Error, Refused, unless the node permits this command on this connection.
  void require(std::string_view command) const {
    const std::string list = "," + commands_ + ",";
    if (list.find("," + std::string(command) + ",") != std::string::npos) return;
    throw Error(ErrorKind::Refused, needs_token_ ? "the node needs a token: set Options::token"
                                                 : "the node does not permit the command " + std::string(command));
  }

 private:
  void authenticate(const std::string& token) {
    send("AUTH " + token + "\n");
    // A node that needs no token answers with a copy of the line.
    if (reply() == "? AUTH") throw Error(ErrorKind::Refused, "the node refuses the token: " + why());
  }

  std::chrono::milliseconds timeout_;
  std::unique_ptr<Stream> stream_;
  std::string received_;       // bytes after the last line that was taken; at most kMaxReplyBytes + kReadBytes
  std::size_t looked_at_ = 0;  // bytes of it that contain no line end
  std::string commands_;       // separated by commas
  bool needs_token_ = false;
};

// The nodes, and which of them is used. Errors: Argument.
class Nodes {
 public:
  explicit Nodes(Options options) : options_(std::move(options)) {
    if (options_.nodes.empty()) throw Error(ErrorKind::Argument, "give the address of at least one node");
    for (const std::string& node : options_.nodes) addresses_.push_back(split_address(node));
    for (const char letter : options_.token) {
      if (letter <= ' ' || letter > '~') throw Error(ErrorKind::Argument, "the token has a byte that no token has");
    }
    if (options_.tries <= 0) options_.tries = std::max(3, 2 * static_cast<int>(addresses_.size()));
  }

  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] const std::string& current() const { return options_.nodes[at_]; }
  [[nodiscard]] std::unique_ptr<Connection> connect() const {
    return std::make_unique<Connection>(options_, addresses_[at_].host, addresses_[at_].port);
  }
  void leave() { at_ = (at_ + 1) % addresses_.size(); }

  // After this number of failures in a row: 50 to 100 ms, doubled each time, at most 10 s. The random part keeps many
  // clients from coming back at the same moment.
  std::chrono::milliseconds pause(int failures) {
    const std::uint64_t most = std::min<std::uint64_t>(100ULL << std::min(failures - 1, 20), 10'000);
    // Knuth's linear congruential generator, MMIX. <random> takes long to compile.
    random_ = random_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return std::chrono::milliseconds(most / 2 + (random_ >> 33U) % (most / 2 + 1));
  }

 private:
  struct Address {
    std::string host;
    std::string port;
  };

  static Address split_address(const std::string& text) {
    const std::size_t colon = text.rfind(':');
    Address address{text.substr(0, colon), colon == std::string::npos ? "" : text.substr(colon + 1)};
    const bool is_bracketed = address.host.size() > 2 && address.host.front() == '[' && address.host.back() == ']';
    if (is_bracketed) address.host = address.host.substr(1, address.host.size() - 2);
    const bool is_port = !address.port.empty() && address.port.size() <= 5 &&
                         address.port.find_first_not_of("0123456789") == std::string::npos &&
                         std::stoi(address.port) >= 1 && std::stoi(address.port) <= 65535;
    const bool is_host = !address.host.empty() && address.host.find_first_of(" /[]") == std::string::npos;
    if (is_port && is_host && (is_bracketed || address.host.find(':') == std::string::npos)) return address;
    throw Error(ErrorKind::Argument, text + " is not the address of a node: write it as 127.0.0.1:12140");
  }

  Options options_;
  std::vector<Address> addresses_;  // at least one, as options_.nodes
  std::size_t at_ = 0;
  // Seeded by the time and the address of the object: two programs that start together differ in the nanoseconds.
  std::uint64_t random_ = static_cast<std::uint64_t>(SteadyClock::now().time_since_epoch().count()) ^
                          reinterpret_cast<std::uintptr_t>(this);
};

}  // namespace herd::detail
