#include "tests/bench/load/nats.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "tests/bench/load/clock.hpp"
#include "tests/bench/load/connection.hpp"
#include "tests/bench/load/request_text.hpp"

namespace herd::bench {
namespace {

using Verdict = Reading::Verdict;

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kPong = "PONG\r\n";
constexpr std::string_view kProbeHead = "MSG iamat 1 7\r\nprobe";
constexpr std::size_t kProbeLength = kProbeHead.size() + 2 + kLineEnd.size();
constexpr std::size_t kReadBytes = std::size_t{256} * 1024;
constexpr std::uint64_t kPatienceNs = 10'000'000'000;

void send_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = send(descriptor, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0) throw std::runtime_error("sending to a nats-server failed");
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void read_until(int descriptor, std::string_view wanted) {
  std::string received;
  while (!received.ends_with(wanted)) {
    char one = 0;
    if (recv(descriptor, &one, 1, 0) <= 0) throw std::runtime_error("no greeting from a nats-server");
    received.push_back(one);
  }
}

// Publishes updates. A PING ends each batch, and its PONG confirms the batch, because a server handles messages in
// order.
class Publish : public Dialect {
 public:
  explicit Publish(const Options& options)
      : options_(options),
        head_("PUB " + std::string(kSubject) + " " + std::to_string(report_length(options)) + std::string(kLineEnd)) {}

  void handshake(int descriptor) override { nats_handshake(descriptor); }
  [[nodiscard]] bool answers_each() const override { return false; }
  [[nodiscard]] std::size_t unrequested(std::string_view bytes) const override {
    return bytes.starts_with(kServerPing) ? kServerPing.size() : 0;
  }

  char* write_request(char* at, Sequence& sequence, Expected& /*expected*/) override {
    at = put_text(at, head_);
    char* const begin = at;
    at = put_report(at, sequence, options_);
    sequence.sum += sum_of({begin, static_cast<std::size_t>(at - begin)});
    return put_text(at, kLineEnd);
  }

  char* end_batch(char* at, Expected& expected) override {
    expected.kind = Expected::Kind::kWait;
    return put_text(at, "PING\r\n");
  }

  Reading read(std::string_view bytes, const Expected& /*expected*/) override {
    if (bytes.starts_with(kPong)) return {Verdict::kComplete, kPong.size()};
    const bool partial = kPong.starts_with(bytes) || kServerPing.starts_with(bytes);
    return {partial ? Verdict::kPartial : Verdict::kWrong, 0};
  }

 private:
  const Options& options_;
  std::string head_;
};

bool reaches_all(const std::vector<std::unique_ptr<Subscriber>>& subscribers, std::size_t servers) {
  return std::all_of(subscribers.begin(), subscribers.end(), [&](const auto& subscriber) {
    for (std::size_t i = 0; i < servers; ++i) {
      if (!subscriber->was_probed_by(i)) return false;
    }
    return true;
  });
}

}  // namespace

void nats_handshake(int descriptor) {
  read_until(descriptor, kLineEnd);  // INFO
  send_all(descriptor, "CONNECT {\"verbose\":false,\"pedantic\":false}\r\nPING\r\n");
  read_until(descriptor, kPong);
}

std::uint64_t sum_of(std::string_view update) {
  std::uint64_t sum = 0;
  std::uint64_t word = 0;
  for (; update.size() >= sizeof word; update.remove_prefix(sizeof word)) {
    std::memcpy(&word, update.data(), sizeof word);
    sum = (sum ^ word) * 0x9e3779b97f4a7c15;
  }
  return sum;
}

Subscriber::Subscriber(const Target& target, std::size_t update_length)
    : head_("MSG " + std::string(kSubject) + " 1 " + std::to_string(update_length) + std::string(kLineEnd)),
      update_length_(update_length),
      in_(kReadBytes),
      descriptor_(connect_to(target)) {
  nats_handshake(descriptor_);
  send_all(descriptor_, "SUB " + std::string(kSubject) + " 1\r\nPING\r\n");
  read_until(descriptor_, kPong);
  fcntl(descriptor_, F_SETFL, O_NONBLOCK);
}

Subscriber::~Subscriber() {
  close(descriptor_);
}

void Subscriber::receive() {
  const ssize_t got = recv(descriptor_, in_.data() + end_, in_.size() - end_, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) throw std::runtime_error("a nats-server closed the connection of a subscriber");
  end_ += static_cast<std::size_t>(got);
  while (const std::size_t taken = take({in_.data() + begin_, end_ - begin_})) begin_ += taken;
  std::memmove(in_.data(), in_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
}

// Counts the message at the start of `bytes` and returns its length; 0 if it is incomplete.
std::size_t Subscriber::take(std::string_view bytes) {
  const std::size_t length = head_.size() + update_length_ + kLineEnd.size();
  if (bytes.starts_with(kServerPing)) return kServerPing.size();
  if (bytes.starts_with(kProbeHead) && bytes.size() >= kProbeLength) {
    probes_ |= std::uint64_t{1} << std::stoul(std::string(bytes.substr(kProbeHead.size(), 2)));
    return kProbeLength;
  }
  if (bytes.size() < length) return 0;
  const std::string_view message = bytes.substr(0, length);
  if (!message.starts_with(head_) || !message.ends_with(kLineEnd)) {
    throw std::runtime_error("a subscriber received a wrong message: " + std::string(message.substr(0, 100)));
  }
  ++updates_;
  sum_ += sum_of(message.substr(head_.size(), update_length_));
  return length;
}

std::vector<std::unique_ptr<Subscriber>> subscribe(const Options& options) {
  std::vector<std::unique_ptr<Subscriber>> subscribers;
  for (const Target& target : options.targets) {
    subscribers.push_back(std::make_unique<Subscriber>(target, report_length(options)));
  }
  std::vector<int> publishers;
  for (std::size_t i = 0; i < options.publish_to; ++i) {
    publishers.push_back(connect_to(options.targets[i]));
    nats_handshake(publishers.back());
  }
  const std::uint64_t begin = monotonic_ns();
  while (!reaches_all(subscribers, publishers.size())) {
    if (monotonic_ns() - begin > kPatienceNs) throw std::runtime_error("messages do not reach all nats-servers");
    for (std::size_t i = 0; i < publishers.size(); ++i) {
      std::string probe = "PUB iamat 7\r\nprobe00\r\n";
      put_digits(probe.data() + probe.size() - 4, i, 2);
      send_all(publishers[i], probe);
    }
    poll(nullptr, 0, 10);
    for (const auto& subscriber : subscribers) subscriber->receive();
  }
  for (const int publisher : publishers) close(publisher);
  return subscribers;
}

std::unique_ptr<Dialect> make_nats_dialect(const Options& options) {
  return std::make_unique<Publish>(options);
}

}  // namespace herd::bench
