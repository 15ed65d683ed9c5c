#include "bus/loop/pump.hpp"

#include <algorithm>

namespace herd::bus {

using protocol::Nanoseconds;
using protocol::Now;

// Returns true if something came back from the peer, or may have: the next tick() must see it.
bool Pump::serve(PeerIndex peer, Now now) {
  if (backoffs_[peer].update(replica_.connected(peer, now), now.steady)) transport_.reconnect(peer);
  // A look at a connection costs a system call. So only these are looked at: connections that were touched, and those
  // last seen writable for which the replica has a message.
  const bool wanted = transport_.was_writable(peer) && replica_.wants_to_send(peer, now);
  if (!wanted && !transport_.touched(peer)) return false;
  const bool received = transport_.receive_back(peer, now);
  for (bool can_send = transport_.was_writable(peer); can_send; can_send = transport_.writable(peer)) {
    const auto message = replica_.take(peer, now);
    if (!message) break;
    transport_.send(peer, *message);
  }
  return received || transport_.touched(peer);
}

bool Pump::run(Now now) {
  bool more = transport_.receive(now);
  replica_.tick(now);
  if (peer_changes_ != replica_.peers().changes()) {
    peer_changes_ = replica_.peers().changes();
    backoffs_.assign(replica_.peers().end_number(), ReconnectBackoff(now.steady));
  }
  // Peers that have just sent a batch are served last: they are owed an ACK, and the others are owed the new updates.
  for (const bool owed_ack : {false, true}) {
    for (PeerIndex peer = 0; peer < replica_.peers().end_number(); ++peer) {
      if (replica_.peers().has(peer) && replica_.peers()[peer].link.receiving().owes_ack() == owed_ack)
        more = serve(peer, now) || more;
    }
  }
  return more;
}

Nanoseconds Pump::next_deadline(Now now) const {
  Nanoseconds deadline = std::min(replica_.tick_deadline(now), transport_.due());
  for (PeerIndex peer = 0; peer < replica_.peers().end_number(); ++peer) {
    if (!replica_.peers().has(peer)) continue;
    if (peer_changes_ == replica_.peers().changes()) deadline = std::min(deadline, backoffs_[peer].due());
    if (transport_.was_writable(peer)) deadline = std::min(deadline, replica_.send_deadline(peer));
  }
  return deadline;
}

}  // namespace herd::bus
