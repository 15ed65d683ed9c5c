// How far one node has merged the feed of another.
#pragma once

#include <cstdint>
#include <string>

#include "bus/store/record.hpp"

namespace herd::bus {

// A cursor in a feed, and which batch moved it there. Units: change numbers of the feed's node.
struct FeedPosition {
  ChangeNumber cursor = 0;   // all changes up to and including this one are merged, or were superseded
  std::uint64_t run = 0;     // incarnation of the feed's node that sent the batch; 0: unknown
  ChangeNumber written = 0;  // how far that node's journal held its feed when it sent the batch
  bool operator==(const FeedPosition&) const = default;
};

// The position in a peer's feed, as the journal keeps it.
struct PeerCursor {
  std::string peer;           // the peer's name
  std::uint64_t feed_id = 0;  // of the feed that `at` belongs to
  FeedPosition at;                // a position of run 0, as in old journals, counts as the start of the feed
  bool operator==(const PeerCursor&) const = default;
};

}  // namespace herd::bus
