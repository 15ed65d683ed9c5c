// The records that a batch contains out of feed order: the successors that rule 13 of docs/PROTOCOL.md demands, and the
// newest records that a lagging link sends early (rule 9).
//
// Successors. A client's change 1 is in the journal. The client reports again and gets change 7, so the feed no longer
// contains 1, and 7 is not in the journal yet. If this node crashes now, recovery brings back change 1. A peer with a
// cursor past 1 would never fetch it, and the stores would differ. So the cursor may pass 1 only if change 7 is in the
// same batch, or known to the peer.
//
// Newest records. A client that moves all the time is always near the tail, which a lagging cursor never reaches. So a
// lagging link fills the second half of each batch from the tail. They do not move the cursor, and are sent once more
// when it gets there; the peer drops the repeat.
//
// Example. Clients A to F reported in this order, and the journal holds these changes 1 to 6. Then A and C reported
// again, and G and H for the first time:
//
//   change        1   2   3   4   5   6 | 7   8   9   10        | : the journal ends here
//   feed              B       D   E   F   A   C   G   H         superseded and on disk: 1 (by 7), 3 (by 8)
//
// A link with max_batch = 4 and a cursor of 0 lags. Half a batch in feed order is B and D, for the range (0, 4], which
// passes 1 and 3:
//
//   add_successors   A and C must be sent too; 2 in order and 2 successors fit into a batch of 4
//   add_newest       max_batch minus the records in order is 2: the two numbers before the tail after `to`: G and H
//   the batch        (0, 4] with B D, A C, G H; the cursor moves to 4, and the newest records are sent up to 10
//
// If the range had three records in order, one successor would fit, and the range would end before the second: with
// B D E for (0, 5], it is shortened to (0, 2], which needs B and the successor A.
//
// Part of the sending half of a link (bus/link/sending_stream.hpp); loop thread only.
#pragma once

#include <cstddef>

#include "bus/link/feed_range.hpp"
#include "bus/link/known_to_peer.hpp"
#include "bus/store/store.hpp"

namespace herd::bus {

class OutOfOrderPlan {
 public:
  // `max_batch`: the records in order and the successors of one batch, at most.
  explicit OutOfOrderPlan(std::size_t max_batch) : max_batch_(max_batch) {}

  // The stream continues after `cursor`: whatever was sent early before may be lost.
  void restart(ChangeNumber cursor) { newest_sent_ = cursor; }

  // Sets range.successors to what the range must contain, in the order of the superseded numbers. If the successors do
  // not fit, or there are more than kMaxSupersededScanned superseded changes, shortens the range: then it has fewer
  // records in order, and passes fewer superseded numbers. Visits all superseded changes, if one may be in the range.
  void add_successors(const Store& store, const KnownToPeer& known, FeedRange& range) const;
  // Fills range.newest with records from the tail that were not sent early before, at most max_batch minus the records
  // in order. They count as sent.
  void add_newest(const Store& store, const KnownToPeer& known, FeedRange& range);

  // The newest records are sent up to this number of our feed.
  [[nodiscard]] ChangeNumber newest_sent() const { return newest_sent_; }

 private:
  std::size_t max_batch_;
  ChangeNumber newest_sent_ = 0;  // at most the feed's tail
};

}  // namespace herd::bus
