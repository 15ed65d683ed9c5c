// Watches the TCP connections of the bus, and cuts those that would make ZeroMQ keep more than a node may send
// (bus/zmq/connection_ledger.hpp), or that a node has opened to itself. ZeroMQ's socket monitors name the descriptors,
// the kernel says how many bytes came. A cut is a reset: the descriptor stays ZeroMQ's, which closes it and goes on.
//
// Owned by the bus, made after its sockets and destroyed before them. Loop thread only. Nothing here blocks.
#pragma once

#include <netinet/in.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>
#include <zmq.hpp>

#include "bus/zmq/connection_ledger.hpp"
#include "protocol/clock.hpp"

namespace herd::bus {

// A connection that was cut, for the log and a counter.
struct ConnectionCut {
  std::string from;           // the other end: a host and a port
  std::string reason;         // half a sentence, clean of control bytes
  std::uint64_t waiting = 0;  // bytes that were waiting in ZeroMQ
};

class ConnectionGuard {
 public:
  // The ROUTER first, then the DEALERs. Monitors them from now on: call it before they bind and connect.
  ConnectionGuard(zmq::context_t& context, std::vector<zmq::socket_t*> sockets);
  ~ConnectionGuard();
  ConnectionGuard(const ConnectionGuard&) = delete;
  ConnectionGuard& operator=(const ConnectionGuard&) = delete;

  // The port that the ROUTER is bound to, and those that the DEALERs connect to, in their order. What has another port
  // is not looked after: its descriptor is another's by now.
  void set_ports(std::vector<std::uint16_t> ports) { ports_ = std::move(ports); }

  // One for each socket, edge-triggered as those of the sockets themselves: after each wake-up say touched(), then
  // read_events().
  [[nodiscard]] const std::vector<int>& descriptors() const { return descriptors_; }
  void touched(std::size_t monitor) { touched_[monitor] = true; }

  // Notices new connections.
  void read_events(protocol::Now now);

  // A whole message came out of the ROUTER: its sender's identity frame, its last frame, and what it had on the wire.
  void delivered(std::string_view route, zmq::message_t& last, std::uint64_t wire_bytes, protocol::Now now);

  // A whole message that a node may send came out of a DEALER: its last frame, and what it had on the wire.
  void answered(zmq::message_t& last, std::uint64_t wire_bytes);

  // The sender of this frame is cut.
  void cut_sender(zmq::message_t& frame, std::string_view reason, protocol::Now now);

  // Whether a route is that of a configured peer.
  using IsPeer = std::function<bool(std::string_view route)>;

  // Cuts what must be cut. True: read the ROUTER as far as that is possible, and call it again.
  [[nodiscard]] bool cut_offenders(const IsPeer& is_peer, protocol::Now now);
  [[nodiscard]] protocol::Nanoseconds due() const { return due_; }  // max() for never

  // What was cut since the last call, at most kMaxCutsKept; cuts() counts all.
  [[nodiscard]] std::vector<ConnectionCut> take_cuts();
  [[nodiscard]] std::uint64_t cuts() const { return cuts_; }

  [[nodiscard]] std::size_t connections() const { return connections_.size(); }

  static constexpr std::size_t kMaxCutsKept = 16;

 private:
  struct Connection {
    ConnectionAccount account;
    sockaddr_storage here{};
    sockaddr_storage there{};
    std::string route;  // of its newest message
  };

  void opened(std::size_t monitor, int descriptor, protocol::Now now);
  [[nodiscard]] Connection* sender(std::string_view route, zmq::message_t& frame, protocol::Now now);
  void cut(int descriptor, const Connection& connection, std::string_view reason);

  std::vector<zmq::socket_t*> sockets_;
  std::vector<zmq::socket_t> monitors_;
  std::vector<int> descriptors_;
  std::vector<bool> touched_;
  std::vector<std::uint16_t> ports_;
  std::unordered_map<int, Connection> connections_;  // by descriptor
  Connection* newest_ = nullptr;                     // the sender of the newest message; null: unknown
  std::vector<ConnectionCut> news_;
  std::uint64_t cuts_ = 0;
  protocol::Nanoseconds due_ = protocol::Nanoseconds::max();
};

}  // namespace herd::bus
