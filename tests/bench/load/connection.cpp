#include "tests/bench/load/connection.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace herd::bench {
namespace {

constexpr std::size_t kReadBytes = std::size_t{64} * 1024;
constexpr int kBlockedSeconds = 20;  // a call that waits longer fails: until a connection is set up, calls may wait

[[noreturn]] void fail(const std::string& action) {
  throw std::runtime_error(action + ": " + std::strerror(errno));
}

}  // namespace

int connect_to(const Target& target) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(target.port);
  if (inet_pton(AF_INET, target.host.c_str(), &address.sin_addr) != 1) {
    throw std::runtime_error(target.host + " is not an IPv4 address");
  }
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) fail("socket");
  const timeval patience{.tv_sec = kBlockedSeconds, .tv_usec = 0};
  setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    close(descriptor);
    fail("connecting to " + target.host + ":" + std::to_string(target.port));
  }
  const int on = 1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return descriptor;
}

Connection::Connection(const Target& target, std::unique_ptr<Dialect> dialect, std::uint32_t depth)
    : dialect_(std::move(dialect)),
      depth_(depth),
      mask_(std::bit_ceil(2 * std::uint64_t{depth}) - 1),
      expected_(mask_ + 1),
      out_((2 * std::size_t{depth} + 1) * kLongestRequest),
      in_(kReadBytes) {
  descriptor_ = connect_to(target);
  if (target.tls) tls_ = std::make_unique<TlsWire>(descriptor_);
  dialect_->handshake(descriptor_);
  fcntl(descriptor_, F_SETFL, O_NONBLOCK);
}

Connection::~Connection() {
  close(descriptor_);
}

std::uint64_t Connection::send_requests(Sequence& sequence, std::uint64_t most, std::uint64_t now_ns) {
  const std::uint64_t count = std::min<std::uint64_t>(most, depth_ - in_flight_);
  // While a full socket has not taken all former requests, no new ones are written.
  if (count == 0 || wants_write()) return 0;
  char* at = out_.data();
  for (std::uint64_t i = 0; i < count; ++i) {
    Expected& expected = slot(next_);
    if (dialect_->answers_each()) ++next_;
    expected.kind = Expected::Kind::kCounted;
    expected.sent_ns = now_ns;
    at = dialect_->write_request(at, sequence, expected);
  }
  char* const before = at;
  Expected& end = slot(next_);
  at = dialect_->end_batch(at, end);
  waits_ = at != before;
  if (waits_) {
    end.sent_ns = now_ns;
    end.confirms = static_cast<std::uint16_t>(count);
    ++next_;
  }
  in_flight_ += static_cast<std::uint32_t>(count);
  written_ = 0;
  out_end_ = static_cast<std::size_t>(at - out_.data());
  flush();
  return count;
}

void Connection::flush() {
  while (wants_write()) {
    const char* const from = out_.data() + written_;
    const std::size_t size = out_end_ - written_;
    const ssize_t sent = tls_ ? tls_->send(from, size) : send(descriptor_, from, size, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EAGAIN || errno == EINTR) return;
      fail("sending");
    }
    written_ += static_cast<std::size_t>(sent);
  }
}

void Connection::receive(const Answered& answered) {
  while (receive_once(answered) && tls_ && tls_->has_pending()) {
  }
}

// Returns false if nothing had come.
bool Connection::receive_once(const Answered& answered) {
  if (in_begin_ == in_end_) in_begin_ = in_end_ = 0;
  if (in_end_ == in_.size()) {
    if (in_begin_ == 0) in_.resize(2 * in_.size());
    std::memmove(in_.data(), in_.data() + in_begin_, in_end_ - in_begin_);
    in_end_ -= in_begin_;
    in_begin_ = 0;
  }
  char* const into = in_.data() + in_end_;
  const std::size_t space = in_.size() - in_end_;
  const ssize_t got = tls_ ? tls_->receive(into, space) : recv(descriptor_, into, space, 0);
  if (got == 0) throw std::runtime_error("the server closed a connection");
  if (got < 0) {
    if (errno == EAGAIN || errno == EINTR) return false;
    fail("receiving");
  }
  in_end_ += static_cast<std::size_t>(got);
  check(answered);
  return true;
}

void Connection::check(const Answered& answered) {
  while (in_begin_ < in_end_) {
    const std::string_view bytes(in_.data() + in_begin_, in_end_ - in_begin_);
    if (const std::size_t unrequested = dialect_->unrequested(bytes); unrequested > 0) {
      in_begin_ += unrequested;
      continue;
    }
    if (first_ == next_) throw std::runtime_error("a reply without a request: " + std::string(bytes.substr(0, 200)));
    const Expected& expected = slot(first_);
    const Reading reading = dialect_->read(bytes, expected);
    if (reading.verdict == Reading::Verdict::kPartial) return;
    if (reading.verdict == Reading::Verdict::kWrong) {
      throw std::runtime_error("a wrong reply, expected \"" + std::string(expected.view()) +
                               "\" in: " + std::string(bytes.substr(0, 200)));
    }
    in_begin_ += reading.length;
    ++first_;
    settle(expected, answered);
  }
}

void Connection::settle(const Expected& expected, const Answered& answered) {
  const bool is_wait = expected.kind == Expected::Kind::kWait;
  if (waits_ && !is_wait) return;  // it counts when its batch is confirmed
  const std::uint32_t replies = is_wait ? expected.confirms : 1;
  answered(replies, expected.sent_ns);
  in_flight_ -= replies;
}

}  // namespace herd::bench
