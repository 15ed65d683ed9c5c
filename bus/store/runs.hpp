// The runs of a node in its present feed, as its journal lists them. With this list the node validates the feed
// position that a peer reports. Each start of the process is a run: it has a random incarnation and gives out the
// change numbers after its base.
//
// A peer's position states: all changes up to `cursor` are merged, or were superseded by newer ones; the last batch
// came from the run `run`, and at that time the node's journal contained the feed up to `written`. The position is
// possible if the run is in this list and the journal still contains the changes that it had written. Otherwise this
// journal is not the newest one of its feed: it was restored, copied or cut, and the node renews its feed
// (docs/PROTOCOL.md, rules 23 and 24). Pure; owned by the journal planner, used on the loop's thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "bus/store/feed_position.hpp"
#include "bus/store/record.hpp"

namespace herd::bus {

// How many change numbers each start skips. A crash may lose the last changes of a run, and the next run must not give
// out their numbers again. 2^23 starts fit into 64 bits.
inline constexpr ChangeNumber kRunGap = ChangeNumber{1} << 40;

struct Run {
  std::uint64_t incarnation = 0;  // 0: an old release did not write it; no position names this run
  ChangeNumber base = 0;          // its first change number minus 1; kRunGap above the last one in the journal before
  bool operator==(const Run&) const = default;
};

class Runs {
 public:
  // Only the newest runs are listed: 16 KiB. A position that names an older run makes the node renew its feed, which
  // costs time and loses nothing.
  static constexpr std::size_t kMaxRuns = 1'024;

  // Adds the run that begins. Its base must not be below that of the run before.
  void begin(Run run);

  // Whether the position of a peer is possible. `tail`: of the feed now. `written`: up to which number the journal
  // contains the feed now. A cursor of 0 is always possible, as it claims nothing.
  [[nodiscard]] bool allow(const FeedPosition& position, ChangeNumber tail, ChangeNumber written) const;

  // Oldest first.
  [[nodiscard]] const std::vector<Run>& list() const { return runs_; }

 private:
  std::vector<Run> runs_;
};

}  // namespace herd::bus
