// What a replica does when it learns that its journal is not the newest of its feed: docs/PROTOCOL.md, Feed
// renewal.
#include <algorithm>

#include "bus/replica/replica.hpp"
#include "bus/store/mutants.hpp"
#include "protocol/assert.hpp"

namespace herd::bus {

using protocol::Now;

void Replica::judge(CursorClaim claim, const Peer& peer, Now now) {
  if (claim == CursorClaim::Possible) return;
  if (!renewal_due_ || now.steady >= *renewal_due_ || mutated(Mutant::RenewalWithoutBound)) {
    renew_feed(peer, now);
  } else {
    complain(peer.name, "its cursor in the feed of this node is impossible, and the feed was renewed just now");
  }
}

// The records keep their change numbers, so replies that wait, the journal's cursor and the links' notes of what came
// by them stay right.
void Replica::renew_feed(const Peer& peer, Now now) {
  HERD_ASSERT(random_id_);
  const std::uint64_t former = self_->incarnation;
  if (!mutated(Mutant::RenewalKeepsFeedId)) self_->feed_id = random_id_();
  if (!mutated(Mutant::RenewalKeepsRun)) self_->incarnation = random_id_();
  planner_.renew({self_->feed_id, store_.feed().tail(), self_->incarnation});
  // Where the memory of this process was set back, other updates have had the identities of the former run.
  if (!mutated(Mutant::RenewalKeepsIdentities)) store_.rename_run(self_->node, former, self_->incarnation);
  if (!mutated(Mutant::RenewalKeepsBodies)) recent_ = {};
  for (Peer& other : peers_) other.link.begin_feed(now);
  update_acknowledged();
  ++counters_.feeds_renewed;
  events_.renewed.push_back({peer.name, self_->feed_id});
  renewal_due_ = now.steady + renewal_spacing_;
  renewal_spacing_ = std::min<protocol::Nanoseconds>(2 * renewal_spacing_, kRenewalSpacingMax);
}

}  // namespace herd::bus
