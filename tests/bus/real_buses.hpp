// Real buses over the loopback interface, driven by one thread of the test, and connections of strangers to their
// ports.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bus/pumped_bus.hpp"
#include "tests/bus/two_replicas.hpp"
#include "tests/catch.hpp"
#include "tests/node/free_port.hpp"

namespace herd::bus::real {

using namespace herd::protocol;

inline std::uint64_t random_id() {
  static std::random_device device;
  return (std::uint64_t{device()} << 32U | device()) | 1U;
}

// A node's replica and its bus.
struct Node {
  std::unique_ptr<Replica> replica;
  std::unique_ptr<PumpedBus> pumped;  // nullptr: the node is stopped

  Bus& bus() { return pumped->bus(); }
};

// Hill and Smith on two free ports.
class Herd {
 public:
  Herd() {
    start(hill_, 0);
    start(smith_, 1);
  }

  Node& hill() { return hill_; }
  Node& smith() { return smith_; }
  zmq::context_t& context() { return context_; }
  const std::string& hills_address() const { return addresses_[0]; }

  void restart_smith() {
    smith_.pumped.reset();
    start(smith_, 1);
  }
  void stop_smith() { smith_.pumped.reset(); }

  // Runs both loops until the condition holds; false if it does not hold within 10 s.
  template <typename Condition>
  bool until(Condition holds) {
    const Nanoseconds end = real_time().steady + 10s;
    while (!holds()) {
      if (real_time().steady > end) return false;
      hill_.pumped->run_once();
      if (smith_.pumped) smith_.pumped->run_once();
    }
    return true;
  }
  bool until_equal() {
    return until([this] {
      return hill_.replica->store().digest() == smith_.replica->store().digest() &&
             hill_.replica->peer_status(0, real_time()).state == Connected::Up &&
             smith_.replica->peer_status(0, real_time()).state == Connected::Up;
    });
  }

 private:
  void start(Node& node, std::size_t index) {
    static constexpr const char* kNames[] = {"Hill", "Smith"};
    node.replica = std::make_unique<Replica>(
        Replica::Options{{"herd", kNames[index], random_id(), random_id()}, {kNames[1 - index]}, {}, random_id()});
    // libzmq's reaper thread releases the address of a closed socket asynchronously, so binding may fail at first.
    const Nanoseconds end = real_time().steady + 10s;
    do {
      node.pumped = PumpedBus::open(context_, {{addresses_[index]}, {addresses_[1 - index]}}, *node.replica);
    } while (!node.pumped && real_time().steady < end);
    REQUIRE(node.pumped);
  }

  zmq::context_t context_;
  std::string addresses_[2] = {free_address(), free_address()};
  Node hill_;
  Node smith_;
};

inline void report(Node& node, const std::string& client, const char* time = "5") {
  REQUIRE(accept(*node.replica, client, time, real_time()).result == Accepted::Stored);
}

// A TCP connection to a ROUTER, from a program that does not speak ZeroMQ.
class Stranger {
 public:
  explicit Stranger(const std::string& address) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    const auto port = static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
    const sockaddr_in there = herd::node::loopback(port);
    REQUIRE(connect(socket_, reinterpret_cast<const sockaddr*>(&there), sizeof there) == 0);
  }
  ~Stranger() { close(socket_); }
  Stranger(const Stranger&) = delete;
  Stranger& operator=(const Stranger&) = delete;
  void send(std::string_view bytes) const { (void)::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }

  // Returns how many bytes the system accepted. Does not wait.
  std::size_t send_some(std::string_view bytes) const {
    return static_cast<std::size_t>(
        std::max<ssize_t>(::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT), 0));
  }
  // Returns false if the other side has ended the connection. Does not wait.
  bool send_if_open(std::string_view bytes) const {
    return ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0 || errno == EAGAIN;
  }
  bool is_open() const {
    pollfd ended{socket_, POLLRDHUP, 0};
    return poll(&ended, 1, 0) == 0;
  }
  // Starts ZMTP as a DEALER does: sends a ZMTP 3.0 greeting and READY, then waits for the other side's greeting.
  void start_zmtp() const {
    std::string start("\xff\0\0\0\0\0\0\0\0\x7f\3\0NULL", 16);
    start.resize(64, '\0');
    send(start + std::string("\4\x1c\5READY\xbSocket-Type\0\0\0\6DEALER", 30));
    char greeting[64];
    REQUIRE(::recv(socket_, greeting, sizeof greeting, MSG_WAITALL) == sizeof greeting);
  }
  // The connection will end with a TCP reset when it is closed.
  void reset() const {
    const linger at_once{1, 0};
    setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }

 private:
  int socket_;
};

inline std::string repeated(std::string_view frame, std::size_t times) {
  std::string bytes;
  for (std::size_t i = 0; i < times; ++i) bytes += frame;
  return bytes;
}

}  // namespace herd::bus::real
