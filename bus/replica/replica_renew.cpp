// The part of bus/replica/replica.hpp that renews the feed, when a peer's cursor proves that the journal is not the
// newest one of its feed (docs/PROTOCOL.md, Feed renewal).
#include <algorithm>

#include "bus/replica/replica.hpp"
#include "bus/store/mutants.hpp"
#include "protocol/assert.hpp"

namespace herd::bus {

using protocol::Now;

void Replica::renew_if_foreign(CursorClaim claim, const Peer& peer, Now now) {
  if (claim == CursorClaim::Possible) return;
  if (!renewal_due_ || now.steady >= *renewal_due_ || mutated(Mutant::RenewalWithoutBound)) {
    renew_feed(peer, now);
  } else {
    events_.note(PeerRefused{peer.name,
                             "its cursor in this node's feed is impossible, so soon after a renewal: check that peer"});
  }
}

// The records keep their change numbers. So these stay right: the numbers that replies wait for, the journal's cursor,
// and each link's tail_at_incarnation_.
void Replica::renew_feed(const Peer& peer, Now now) {
  HERD_ASSERT(random_id_);
  const std::uint64_t former = self_->incarnation;
  if (!mutated(Mutant::RenewalKeepsFeedId)) self_->feed_id = random_id_();
  if (!mutated(Mutant::RenewalKeepsRun)) self_->incarnation = random_id_();
  planner_.renew({self_->feed_id, store_.feed().tail(), self_->incarnation});
  // If the memory of this process was set back, identities of the former run may name other updates elsewhere.
  if (!mutated(Mutant::RenewalKeepsIdentities)) store_.rename_run(self_->node, former, self_->incarnation);
  if (!mutated(Mutant::RenewalKeepsBodies)) recent_ = {};
  for (Peer& other : peers_) other.link.begin_feed(now);
  update_acknowledged();
  ++events_.counters().feeds_renewed;
  events_.note(FeedRenewed{peer.name, self_->feed_id});
  renewal_due_ = now.steady + renewal_spacing_;
  renewal_spacing_ = std::min<protocol::Nanoseconds>(2 * renewal_spacing_, kRenewalSpacingMax);
}

}  // namespace herd::bus
