// A port for viewers with a clock that the test sets, and viewers on plain sockets.
#pragma once

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "node/observe/viewers.hpp"
#include "tests/catch.hpp"
#include "tests/node/free_port.hpp"
#include "tests/node/wait_until.hpp"
#include "tests/node/zmtp_bytes.hpp"

namespace herd::node {

using namespace std::chrono_literals;
using namespace std::string_literals;
using protocol::Nanoseconds;
using zmtp::as_command;
using zmtp::as_message;
using zmtp::subscriber_start;

// A viewer or a stranger, on a plain non-blocking socket.
class Peer {
 public:
  explicit Peer(std::uint16_t port, const char* from = "127.0.0.1", int receive_buffer = 0)
      : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)) {
    if (receive_buffer != 0) {
      setsockopt(socket_.descriptor(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    sockaddr_in own = loopback(0);
    inet_pton(AF_INET, from, &own.sin_addr);
    REQUIRE(bind(socket_.descriptor(), reinterpret_cast<const sockaddr*>(&own), sizeof own) == 0);
    const sockaddr_in there = loopback(port);
    (void)connect(socket_.descriptor(), reinterpret_cast<const sockaddr*>(&there), sizeof there);
  }

  // Sends the bytes; returns how many of them the socket accepted.
  std::size_t say(std::string_view bytes) {
    std::error_code error;
    return socket_.send(bytes, error);
  }

  // Whether the other side's kernel has all bytes sent to it.
  [[nodiscard]] bool has_delivered() const {
    int unacknowledged = 0;
    return ioctl(socket_.descriptor(), SIOCOUTQ, &unacknowledged) == 0 && unacknowledged == 0;
  }
  // Whether the connection is established, so that the other side can accept it.
  [[nodiscard]] bool is_connected() const {
    pollfd connected{socket_.descriptor(), POLLOUT, 0};
    return poll(&connected, 1, 0) == 1 && connected.revents == POLLOUT;
  }

  // All bytes that came since the last call.
  std::string receive() {
    std::string all;
    std::array<char, 65536> buffer;
    for (;;) {
      std::error_code error;
      const std::size_t count = socket_.receive(buffer, error);
      ended_ = ended_ || (count == 0 && !error) || (error && !try_again(error));
      if (count == 0) return all;
      all.append(buffer.data(), count);
    }
  }
  bool has_ended() {
    (void)receive();
    return ended_;
  }
  void reset() {
    socket_.forget_unsent();
    socket_.close();
  }
  void close() { socket_.close(); }

 private:
  Socket socket_;
  bool ended_ = false;
};

inline constexpr std::size_t kA = 0;
inline constexpr std::size_t kB = 1;

// A port for viewers of two topics, herd.a and herd.b, with a clock that the test sets.
struct Port {
  std::uint16_t port = free_port();
  Nanoseconds now = 1000s;
  std::unique_ptr<Viewers> viewers;

  explicit Port(const Viewers::Limits& limits = {})
      : viewers(std::make_unique<Viewers>(std::vector<std::string>{"herd.a", "herd.b"}, limits)) {
    REQUIRE(viewers->listen({"127.0.0.1", port}));
  }

  template <typename Condition>
  bool until(Condition holds) {
    return wait_until([&] {
      viewers->serve(now);
      return holds();
    });
  }
  // Serves for 50 ms, to show that what was sent before has no effect. Bytes take less than 1 ms over loopback.
  void settle() {
    const auto end = std::chrono::steady_clock::now() + 50ms;
    CHECK(until([&] { return std::chrono::steady_clock::now() > end; }));
  }

  // A viewer that has subscribed.
  std::unique_ptr<Peer> viewer(const std::string& prefix = "herd.a", const char* from = "127.0.0.1", int buffer = 0) {
    const std::uint64_t before = viewers->counters().accepted;
    auto peer = std::make_unique<Peer>(port, from, buffer);
    REQUIRE(until([&] { return viewers->counters().accepted > before; }));
    peer->say(subscriber_start() + as_message("\1" + prefix));
    const std::size_t subscribed = viewers->subscribed(kA) + viewers->subscribed(kB);
    REQUIRE(until([&] { return viewers->subscribed(kA) + viewers->subscribed(kB) > subscribed; }));
    return peer;
  }
};

// Publishes and sends the messages one by one. Bytes in the kernel's buffers count as taken, so a viewer that does not
// read still takes as many as the buffers hold.
inline void fill(Port& port, std::size_t messages, const std::string& message) {
  for (std::size_t i = 0; i < messages; ++i) {
    port.viewers->publish(kA, zmtp::message("herd.a", message));
    port.viewers->send(port.now);
  }
}

}  // namespace herd::node
