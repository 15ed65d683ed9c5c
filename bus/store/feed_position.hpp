// Feed positions: how far one node has merged the feed of another. Plain values.
#pragma once

#include <cstdint>
#include <string>

#include "bus/store/record.hpp"

namespace herd::bus {

// A cursor in a feed, with what the batch that moved it there stated. Change numbers are those of the feed's node.
struct FeedPosition {
  ChangeNumber cursor =
      0;                  // all changes up to and including this one are merged, or were superseded; continue after it
  std::uint64_t run = 0;  // incarnation of the feed's node when it sent the batch; 0: unknown
  ChangeNumber written = 0;  // up to which change that node's journal contained its feed then
  bool operator==(const FeedPosition&) const = default;
};

// A position in a peer's feed, as the journal stores it.
struct PeerCursor {
  std::string peer;           // the peer's name
  std::uint64_t feed_id = 0;  // of the feed that `at` belongs to
  FeedPosition at;            // with run 0, as in old journals: reading starts at the beginning of the feed
  bool operator==(const PeerCursor&) const = default;
};

}  // namespace herd::bus
