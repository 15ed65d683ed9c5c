#include "bus/zmq/zmq_options.hpp"

#include "bus/link/link_limits.hpp"
#include "protocol/limits.hpp"

namespace herd::bus {
namespace {

// A node notices a silent peer by its own PING (kSilence). ZMTP's heartbeats are not used: libzmq 4.3.4 aborts the
// whole process when one falls due on a connection that has broken while its messages fill the queue unread, which a
// node that was frozen for some seconds and wakes up meets soon (zeromq/libzmq#4364). What the kernel can tell of
// a dead connection is enough to have it opened anew.
void set_common_options(zmq::socket_t& socket) {
  // A host that has vanished without a word: its connection ends when what was sent is not acknowledged for so long ...
  socket.set(zmq::sockopt::tcp_maxrt, 3000);
  // ... or, where nothing is sent, when so many probes stay unanswered: after 5 s.
  socket.set(zmq::sockopt::tcp_keepalive, 1);
  socket.set(zmq::sockopt::tcp_keepalive_idle, 2);
  socket.set(zmq::sockopt::tcp_keepalive_intvl, 1);
  socket.set(zmq::sockopt::tcp_keepalive_cnt, 3);
  // Addresses may be IPv6; IPv4 goes on working.
  socket.set(zmq::sockopt::ipv6, true);
  // No bound on the number of messages that wait to be read. Where it is reached, libzmq 4.3.4 stops to read the
  // connection; if that is reset meanwhile, and what was read last holds a ZMTP PING, the whole process aborts as soon
  // as there is room again (stream_engine_base.cpp, `!_io_error`). Any stranger could have that. What waits is bounded
  // in bytes, parts of messages included, by bus/zmq/connection_guard.hpp.
  socket.set(zmq::sockopt::rcvhwm, 0);
  // Half-open strangers and web browsers are thrown out after 2 s instead of 30.
  socket.set(zmq::sockopt::handshake_ivl, 2000);
}

}  // namespace

void set_receiver_options(zmq::socket_t& router) {
  set_common_options(router);
  // What it sends back may be lost.
  router.set(zmq::sockopt::linger, 0);
  // A message to a connection that is closed is refused: that is how a node knows that it is.
  router.set(zmq::sockopt::router_mandatory, true);
  // For each connection: a process that does not read what is sent back costs so much memory and no more.
  router.set(zmq::sockopt::sndhwm, kBackHighWaterMark);
  // The one bound on what a stranger can make us allocate; a longer frame closes its connection.
  router.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(protocol::kMaxMessageBytes));
  // Connections that come faster than they are accepted would else be tried again only after seconds.
  router.set(zmq::sockopt::backlog, kBacklog);
}

void set_sender_options(zmq::socket_t& dealer) {
  set_common_options(dealer);
  // Enough for a BYE to leave. What a dead peer has not read is read again from the feed.
  dealer.set(zmq::sockopt::linger, kLingerMs);
  // Nothing is queued for a peer that is not there: it would be delivered to its next life, before any HELLO.
  dealer.set(zmq::sockopt::immediate, true);
  dealer.set(zmq::sockopt::sndhwm, kHighWaterMark);
  // Only CONFLICT comes this way.
  dealer.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(kMaxBackMessageBytes));
  // A peer that returns is found within 0.3 s, and one that stays away costs four connects a second. What a node can
  // say to its peers after a restart waits for this: their connections to it are the last to be there again.
  dealer.set(zmq::sockopt::reconnect_ivl, 50);
  dealer.set(zmq::sockopt::reconnect_ivl_max, 250);
  // A host that does not answer at all: the kernel would ask again after 1, 2, 4, ... 64 s, and find it so much later.
  dealer.set(zmq::sockopt::connect_timeout, 2000);
}

}  // namespace herd::bus
