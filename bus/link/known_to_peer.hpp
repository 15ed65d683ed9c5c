// The records that a peer need not be sent, because its present incarnation sent them to this node (rule 7 of
// docs/PROTOCOL.md: not back to the source). A former incarnation may have lost what it sent us, so its records count
// only as far as they came before.
//
// Example: the link has the index 3, and our feed's tail was 10 when the peer's present incarnation became known. A
// record that came by link 3 as change 12 is known to the peer. One that came by link 3 as change 9 is not, and one
// that came by link 2 as change 12 is not either. So nothing is known to a new peer that has the number of a removed
// one: all that came by the former link has numbers up to the tail at the new peer's first HELLO.
//
// A plain value; part of the sending half of a link (bus/link/sending_stream.hpp).
#pragma once

#include "bus/store/feed.hpp"
#include "bus/store/packed_record.hpp"
#include "bus/store/store.hpp"

namespace herd::bus {

class KnownToPeer {
 public:
  // `peer`: its index among the replica's peers, as the store records it.
  explicit KnownToPeer(PeerIndex peer) : peer_(peer) {}

  // The present incarnation of the peer became known when this was the tail of our feed.
  void begin_incarnation(ChangeNumber feed_tail) { after_ = feed_tail; }

  // True if the record is to be left out for this peer. `entry` must be live in the store's feed.
  [[nodiscard]] bool contains(const Store& store, const Feed::Entry& entry) const;

 private:
  PeerIndex peer_;
  ChangeNumber after_ = 0;  // only records with higher numbers are known; at most the feed's tail
};

}  // namespace herd::bus
