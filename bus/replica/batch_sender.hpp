// The sending side of a replica: composes the next BATCH for a peer. Either a recent body
// (bus/replica/recent_bodies.hpp) covers the next feed range, or the range is encoded now and the body remembered for
// the other links.
//
// Example, with the feed's tail at 1,800. Smith's link has sent up to 1,000, Jaquez's up to 1,400:
//
//   Jaquez   no recent body begins at 1,400: (1,400, 1,800] is encoded, sent and remembered
//   Smith    no recent body begins at 1,000, but one begins at 1,400: (1,000, 1,400] is encoded
//   Smith    the body (1,400, 1,800] is sent again, without encoding
//
// To reuse a small body saves encoding, which costs far more than a message. But the batches in flight are all that a
// link can send in a round trip, so with a large backlog each should be large.
//
// A body is sent to another peer only if none of its updates came by that peer's link, and if the range was shareable.
// Owned by the replica (bus/replica/replica.hpp); loop thread only. Bounded by the recent bodies and one body that is
// encoded.
#pragma once

#include <optional>

#include "bus/link/link.hpp"
#include "bus/link/outgoing.hpp"
#include "bus/replica/events.hpp"
#include "bus/replica/recent_bodies.hpp"
#include "bus/store/store.hpp"
#include "protocol/body.hpp"
#include "protocol/clock.hpp"

namespace herd::bus {

class BatchSender {
 public:
  // All must outlive the sender.
  BatchSender(const Store& store, RecentBodies& recent, ReplicaCounters& counters)
      : store_(&store), recent_(&recent), counters_(&counters) {}

  // The next batch for the peer of this link, or nullopt if there is none now; it counts as sent. `peer`: its index
  // among the replica's peers. `written`: this node's journal holds the feed up to this number.
  [[nodiscard]] std::optional<Outgoing> take(Link& link, PeerIndex peer, ChangeNumber written, protocol::Now now);

 private:
  using Recent = RecentBodies::Recent;

  [[nodiscard]] static bool may_share(const Recent& recent, const Link& link, PeerIndex peer);
  [[nodiscard]] const Recent* ready_for(const Link& link, PeerIndex peer, ChangeNumber number) const;
  [[nodiscard]] ChangeNumber end_for(const Link& link, PeerIndex peer, ChangeNumber number) const;
  [[nodiscard]] std::optional<Outgoing> encode_batch(Link& link, ChangeNumber end, ChangeNumber written,
                                                     protocol::Now now);
  [[nodiscard]] ChangeNumber encode(const FeedRange& range);

  const Store* store_;
  RecentBodies* recent_;
  ReplicaCounters* counters_;
  protocol::BodyEncoder encoder_;  // a member to save allocations; empty between two bodies
};

}  // namespace herd::bus
