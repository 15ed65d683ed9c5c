// An HTTP client that sends exactly the bytes that a test gives it, on a blocking socket with deadlines.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cctype>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace herd::node::http {

struct Answer {
  int status = 0;
  std::string head;  // with the status line and the empty line
  std::string body;

  // Returns the value of a header line; empty if there is none.
  [[nodiscard]] std::string header(const std::string& name) const {
    const auto begin = head.find("\r\n" + name + ": ");
    if (begin == std::string::npos) return {};
    const auto value = begin + name.size() + 4;
    return head.substr(value, head.find("\r\n", value) - value);
  }
};

class RawClient {
 public:
  static constexpr std::chrono::seconds kPatience{20};  // a loaded machine is slow, not faulty

  // Connects from `from_host`, an address of loopback. `receive_buffer` is SO_RCVBUF in bytes; 0 keeps the default.
  explicit RawClient(std::uint16_t port, const char* from_host = "127.0.0.1", int receive_buffer = 0)
      : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_buffer > 0) setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sockaddr_in from{};
    from.sin_family = AF_INET;
    inet_pton(AF_INET, from_host, &from.sin_addr);
    if (bind(socket_, reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0 ||
        connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
      throw std::runtime_error("cannot connect to port " + std::to_string(port));
    }
  }
  RawClient(RawClient&& other) noexcept
      : socket_(std::exchange(other.socket_, -1)), received_(std::move(other.received_)) {}
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  ~RawClient() {
    if (socket_ >= 0) ::close(socket_);
  }

  // Returns false if the server has ended the connection.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }

  void end_sending() { shutdown(socket_, SHUT_WR); }

  // Returns the next response, with a body of Content-Length bytes; nullopt if the connection ends before its end.
  std::optional<Answer> read(bool is_head_request = false) {
    const auto end = read_until([&] { return received_.find("\r\n\r\n") != std::string::npos; });
    if (!end) return std::nullopt;
    Answer answer;
    answer.head = received_.substr(0, received_.find("\r\n\r\n") + 4);
    answer.status = std::stoi(answer.head.substr(9, 3));
    const std::string length = answer.header("Content-Length");
    const std::size_t size = is_head_request || length.empty() ? 0 : std::stoul(length);
    if (!read_until([&] { return received_.size() >= answer.head.size() + size; })) return std::nullopt;
    answer.body = received_.substr(answer.head.size(), size);
    received_.erase(0, answer.head.size() + size);
    return answer;
  }

  std::optional<Answer> ask(std::string_view request, bool is_head_request = false) {
    send(request);
    return read(is_head_request);
  }

  // Returns all bytes until the server closes the connection; fails the test if it does not.
  std::string read_to_end() {
    while (receive(kPatience)) {
    }
    if (!ended_) throw std::runtime_error("the server has not closed the connection");
    return std::exchange(received_, {});
  }

  // Whether the server has ended the connection, with or without a reset. Bytes received before that are stored.
  bool ends_within(std::chrono::milliseconds patience) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!ended_ && std::chrono::steady_clock::now() < deadline) {
      receive(std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()));
    }
    return ended_;
  }

  // The bytes of a stream that have arrived.
  bool receive_some(std::chrono::milliseconds patience) { return receive(patience); }
  [[nodiscard]] const std::string& received() const { return received_; }
  void forget_received() { received_.clear(); }
  [[nodiscard]] bool was_reset() const { return was_reset_; }
  [[nodiscard]] int descriptor() const { return socket_; }

 private:
  template <typename Condition>
  bool read_until(Condition condition) {
    while (!condition()) {
      if (!receive(kPatience)) return false;
    }
    return true;
  }

  // Returns false after the end, or if nothing arrives in time.
  bool receive(std::chrono::milliseconds patience) {
    pollfd ready{socket_, POLLIN, 0};
    if (ended_ || poll(&ready, 1, static_cast<int>(patience.count())) <= 0) return false;
    char buffer[16 * 1024];
    const ssize_t count = recv(socket_, buffer, sizeof buffer, 0);
    if (count > 0) {
      received_.append(buffer, static_cast<std::size_t>(count));
      return true;
    }
    ended_ = true;
    was_reset_ = count < 0;
    return false;
  }

  int socket_;
  bool ended_ = false;
  bool was_reset_ = false;
  std::string received_;
};

// One request on a connection of its own.
inline std::optional<Answer> ask(std::uint16_t port, std::string_view request) {
  return RawClient(port).ask(request, request.starts_with("HEAD "));
}

inline std::optional<Answer> get(std::uint16_t port, const std::string& path) {
  return ask(port, "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
}

}  // namespace herd::node::http
