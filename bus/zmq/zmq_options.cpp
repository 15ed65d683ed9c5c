#include "bus/zmq/zmq_options.hpp"

#include "bus/link/link_limits.hpp"
#include "protocol/limits.hpp"

namespace herd::bus {
namespace {

// A node detects a silent peer by its own PING (kSilence). ZMTP's heartbeats are not used: libzmq 4.3.4 aborts the
// process if one falls due on a broken connection of which unread messages fill the queue (zeromq/libzmq#4364). A node
// that was frozen for some seconds soon meets this case. The kernel's detection of dead connections is enough to have
// them opened again.
void set_common_options(zmq::socket_t& socket) {
  // If the peer's host vanishes, the connection ends when sent data is not acknowledged for this long, ms.
  socket.set(zmq::sockopt::tcp_maxrt, 3000);
  // If nothing is sent, it ends when this number of keepalive probes is not answered: after 5 s.
  socket.set(zmq::sockopt::tcp_keepalive, 1);
  socket.set(zmq::sockopt::tcp_keepalive_idle, 2);
  socket.set(zmq::sockopt::tcp_keepalive_intvl, 1);
  socket.set(zmq::sockopt::tcp_keepalive_cnt, 3);
  // Addresses may be IPv6; IPv4 still works.
  socket.set(zmq::sockopt::ipv6, true);
  // No bound on the number of unread messages. At such a bound libzmq 4.3.4 stops reading the connection. If the
  // connection is then reset, and the data read last contains a ZMTP PING, the process aborts as soon as messages are
  // read again (stream_engine_base.cpp, `!_io_error`). Any stranger could cause that. bus/zmq/connection_guard.hpp
  // bounds the unread data in bytes instead, parts of messages included.
  socket.set(zmq::sockopt::rcvhwm, 0);
  // Connections without a ZMTP handshake, as of web browsers, are closed after 2 s instead of 30.
  socket.set(zmq::sockopt::handshake_ivl, 2000);
}

}  // namespace

void set_receiver_options(zmq::socket_t& router) {
  set_common_options(router);
  // A CONFLICT may be lost.
  router.set(zmq::sockopt::linger, 0);
  // Sending to a closed connection fails: so the node learns that it is closed.
  router.set(zmq::sockopt::router_mandatory, true);
  // For each connection: bounds the memory for a process that does not read its CONFLICTs.
  router.set(zmq::sockopt::sndhwm, kBackHighWaterMark);
  // Bounds what a stranger's frame can make this process allocate; a longer frame closes the connection.
  router.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(protocol::kMaxMessageBytes));
  // With a short backlog, connections that come faster than they are accepted are tried again only after seconds.
  router.set(zmq::sockopt::backlog, kBacklog);
}

void set_sender_options(zmq::socket_t& dealer) {
  set_common_options(dealer);
  // Enough for a BYE to leave. Updates that are lost here are sent again from the feed.
  dealer.set(zmq::sockopt::linger, kLingerMs);
  // Nothing is queued for a peer without a connection: its next incarnation would receive that before any HELLO.
  dealer.set(zmq::sockopt::immediate, true);
  dealer.set(zmq::sockopt::sndhwm, kHighWaterMark);
  // Only CONFLICT comes back.
  dealer.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(kMaxBackMessageBytes));
  // A peer that returns is found within 0.3 s, and one that stays away costs four connects per second. After a restart
  // of a node its links wait for this, because the peers' connections to it are the last to be opened.
  dealer.set(zmq::sockopt::reconnect_ivl, 50);
  dealer.set(zmq::sockopt::reconnect_ivl_max, 250);
  // If a host does not answer at all, the kernel tries again after 1, 2, 4, ... 64 s, and would find it that much
  // later.
  dealer.set(zmq::sockopt::connect_timeout, 2000);
}

}  // namespace herd::bus
