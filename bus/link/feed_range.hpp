// The content of the next batch for one peer, before it is encoded: the feed range that the batch covers, and the
// records to send. A plain value; docs/GLOSSARY.md has the words. bus/link/out_of_order_plan.hpp has an example.
#pragma once

#include <cstdint>
#include <vector>

#include "bus/store/feed.hpp"
#include "bus/store/record.hpp"

namespace herd::bus {

struct FeedRange {
  ChangeNumber from = 0;               // exclusive
  ChangeNumber to = 0;                 // inclusive; the sent cursor moves here
  std::vector<Feed::Entry> records{};  // those in (from, to] that the peer needs, in feed order
  std::vector<Feed::Entry> newest{};   // records after `to`, in feed order, sent early by a lagging link; optional
  bool shareable = true;               // no record was left out or added for this peer, so another link may send the
                                       // same body, unless its peer is a source of it
  std::uint64_t sources = 0;           // the links that the records came by: a bit for each (bit_of)

  // A record that must be sent with the range, because it superseded a change in it that is still on disk. Without it a
  // crash now would bring the old record back under a number that the peer's cursor has passed (rule 13).
  struct Successor {
    ChangeNumber old = 0;   // the superseded number, in (from, to]
    RecordIndex index = 0;  // the newer record, with a number above `to`
    bool operator==(const Successor&) const = default;
  };
  std::vector<Successor> successors{};

  // Whether there is anything to send in it.
  [[nodiscard]] bool is_empty() const { return records.empty() && successors.empty() && newest.empty(); }
};

}  // namespace herd::bus
