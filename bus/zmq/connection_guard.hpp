// Watches the TCP connections of the bus. It resets ("cuts") those that make ZeroMQ buffer more than a node may send
// (bus/zmq/connection_ledger.hpp has the bounds), and those that connect a port with itself. ZeroMQ's socket monitors
// report the descriptors, and the kernel the bytes received. A cut resets the TCP connection; ZeroMQ still owns the
// descriptor, notices the reset, closes the descriptor and goes on.
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
#include <utility>
#include <vector>
#include <zmq.hpp>

#include "bus/zmq/connection_ledger.hpp"
#include "protocol/clock.hpp"

namespace herd::bus {

// A connection that was cut, for the log.
struct ConnectionCut {
  std::string from;           // the other end: host and port
  std::string reason;         // a clause without control bytes
  std::uint64_t waiting = 0;  // bytes that were unread in ZeroMQ
};

// What became of the handshake of an encrypted connection.
enum class HandshakeResult : std::uint8_t {
  Succeeded,  // of a DEALER only
  // Of the ROUTER: the other end has no key, or another key of this node than the one in use. Of a DEALER: the
  // connection ended before that, and ZeroMQ dials again.
  Failed,
  // Of a DEALER only: the peer refused this node's key for good, or does not speak CURVE. ZeroMQ dials no more.
  Refused,
};
struct HandshakeEnd {
  std::size_t socket;  // 0: the ROUTER; else the DEALER to peer `socket` - 1
  HandshakeResult result;
};

// The reason of a cut.
inline constexpr std::string_view kKeyGone = "its key was removed or revoked";

class ConnectionGuard {
 public:
  // `sockets`: the ROUTER first, then the DEALERs. Monitors them from now on, so make it before they bind and connect.
  // `encrypted`: handshakes are reported too.
  ConnectionGuard(zmq::context_t& context, std::vector<zmq::socket_t*> sockets, bool encrypted);
  ~ConnectionGuard();
  ConnectionGuard(const ConnectionGuard&) = delete;
  ConnectionGuard& operator=(const ConnectionGuard&) = delete;

  // The port that the ROUTER is bound to, and those that the DEALERs connect to, in the order of the sockets. A
  // reported descriptor with another port is ignored: ZeroMQ has closed the connection, and the descriptor is used for
  // another.
  void set_ports(std::vector<std::uint16_t> ports) { ports_ = std::move(ports); }

  // One descriptor for each socket, edge-triggered as those of the sockets themselves: after a wake-up call touched()
  // with its index, then read_events().
  [[nodiscard]] const std::vector<int>& descriptors() const { return descriptors_; }
  void touched(std::size_t monitor) { touched_[monitor] = true; }

  // Reads the monitors' events and registers new connections.
  void read_events(protocol::Now now);

  // The handshakes that have ended since the last call, in order for each socket. Call it after each read_events().
  [[nodiscard]] std::vector<HandshakeEnd> take_handshakes() { return std::exchange(handshakes_, {}); }

  // A complete message came out of the ROUTER. `route`: its sender's identity frame. `last`: its last frame.
  // `wire_bytes`: its size on the wire.
  void delivered(std::string_view route, zmq::message_t& last, std::uint64_t wire_bytes, protocol::Now now);

  // A complete message of a kind that nodes send came out of a DEALER. Parameters as for delivered().
  void answered(zmq::message_t& last, std::uint64_t wire_bytes);

  // Cuts the connection that this frame came by.
  void cut_sender(zmq::message_t& frame, std::string_view reason, protocol::Now now);

  // Cuts the connections of keys that are not valid any more. A connection has its key from its first message on.
  using IsValid = std::function<bool(std::string_view key)>;
  void cut_keys(const IsValid& is_valid);

  // Returns whether a route is a configured peer's.
  using IsPeer = std::function<bool(std::string_view route)>;

  // Compares the connections with the bounds, and cuts those that break one. True: read the ROUTER as far as possible
  // and call it again, because data that seems to be an unfinished message may only be unread.
  [[nodiscard]] bool cut_offenders(const IsPeer& is_peer, protocol::Now now);
  // The steady time at which cut_offenders() must be called; max() for never.
  [[nodiscard]] protocol::Nanoseconds due() const { return due_; }

  // The connections that were cut since the last call, at most kMaxCutsKept of them. cuts() counts all since the start.
  [[nodiscard]] std::vector<ConnectionCut> take_cuts();
  [[nodiscard]] std::uint64_t cuts() const { return cuts_; }

  // Open connections, in both directions.
  [[nodiscard]] std::size_t connections() const { return connections_.size(); }

  static constexpr std::size_t kMaxCutsKept = 16;

 private:
  struct Connection {
    ConnectionAccount account;
    sockaddr_storage here{};  // both ends; if they change, the descriptor belongs to another connection
    sockaddr_storage there{};
    std::string route;  // of its newest message; empty: none yet
    std::string key;    // of its other end, if it is encrypted and a message has come; else empty
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
  Connection* newest_ = nullptr;                     // that the newest message came by; nullptr: unknown
  std::vector<HandshakeEnd> handshakes_;
  std::vector<ConnectionCut> news_;
  std::uint64_t cuts_ = 0;
  protocol::Nanoseconds due_ = protocol::Nanoseconds::max();
};

}  // namespace herd::bus
