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
#include <optional>
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
  // Monitors the ROUTER from now on, so make it before that binds. `port`: which it will be bound to; a reported
  // descriptor with another port is ignored, because ZeroMQ has closed the connection, and the descriptor is used for
  // another. `encrypted`: handshakes are reported too. Context and sockets must outlive the guard.
  ConnectionGuard(zmq::context_t& context, zmq::socket_t& router, std::uint16_t port, bool encrypted);
  ~ConnectionGuard();
  ConnectionGuard(const ConnectionGuard&) = delete;
  ConnectionGuard& operator=(const ConnectionGuard&) = delete;

  // Sockets are known by a number: 0 is the ROUTER, and 1 + n the DEALER of the link n. Monitors this DEALER from now
  // on, so call it before that connects. `port`: which it connects to.
  void add(std::size_t socket, zmq::socket_t& dealer, std::uint16_t port);
  // Stops monitoring a DEALER. Call it before the DEALER is closed.
  void remove(std::size_t socket);
  // The DEALER connects to this port from now on.
  void set_port(std::size_t socket, std::uint16_t port) { sockets_[socket]->port = port; }

  // The descriptor for a socket, edge-triggered as that of the socket itself: after a wake-up call touched(), then
  // read_events().
  [[nodiscard]] int descriptor(std::size_t socket) const { return sockets_[socket]->descriptor; }
  void touched(std::size_t socket) { sockets_[socket]->touched = true; }

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

  // Resets the connection of this route, if it is open: its peer was removed. This is no cut to be reported.
  void end_route(std::string_view route);

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

  // A socket that is monitored.
  struct Monitored {
    zmq::socket_t* socket;
    zmq::socket_t monitor;
    int descriptor;  // of the monitor
    std::uint16_t port = 0;
    bool touched = true;
  };

  [[nodiscard]] Monitored monitored(zmq::socket_t& socket, std::uint16_t port, int events);
  void opened(std::size_t socket, int descriptor, protocol::Now now);
  [[nodiscard]] Connection* sender(std::string_view route, zmq::message_t& frame, protocol::Now now);
  void cut(int descriptor, const Connection& connection, std::string_view reason);
  [[nodiscard]] static bool reset(int descriptor, const Connection& connection);

  zmq::context_t* context_;
  bool encrypted_;
  std::vector<std::optional<Monitored>> sockets_;    // by number; nullopt: there is none
  std::unordered_map<int, Connection> connections_;  // by descriptor
  Connection* newest_ = nullptr;                     // that the newest message came by; nullptr: unknown
  std::vector<HandshakeEnd> handshakes_;
  std::vector<ConnectionCut> news_;
  std::uint64_t cuts_ = 0;
  protocol::Nanoseconds due_ = protocol::Nanoseconds::max();
};

}  // namespace herd::bus
