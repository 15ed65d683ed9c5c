// The runs of a node in its present feed, as its journal lists them, and what they show about a peer's cursor. Each
// start of the process is a run: it has a random incarnation, and gives out the change numbers after its base.
//
// A peer's position says: the changes up to `cursor` are merged, or were superseded by changes up to `written`, which
// the run `run` had written to its journal. If the run is in this list and the journal still holds what it had written
// then, the position is possible. If not, this journal is not the newest of its feed (docs/PROTOCOL.md, Feed
// renewal). Pure; owned by the keeper, used on the loop's thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "bus/store/feed_position.hpp"
#include "bus/store/record.hpp"

namespace herd::bus {

// Each start leaves so many change numbers out: a run that lost its last ones in a crash must not be followed by one
// that gives them out again. 2^23 starts fit.
inline constexpr ChangeNumber kRunGap = ChangeNumber{1} << 40;

struct Run {
  std::uint64_t incarnation = 0;  // 0: of a release that did not write it down; no position names it
  ChangeNumber base = 0;          // kRunGap above the last number that the journal held of the run before
  bool operator==(const Run&) const = default;
};

class Runs {
 public:
  // The newest are listed: 16 KiB. A peer whose position names an older one makes the node renew its feed, which costs
  // time and loses nothing.
  static constexpr std::size_t kMaxRuns = 1'024;

  // The next run begins. Its base is not below the one before.
  void begin(Run run);

  // Whether a peer can be there. `tail` and `written`: of the feed and its journal now. True for the cursor 0, which
  // claims nothing.
  [[nodiscard]] bool allow(const FeedPosition& position, ChangeNumber tail, ChangeNumber written) const;

  // Oldest first.
  [[nodiscard]] const std::vector<Run>& list() const { return runs_; }

 private:
  std::vector<Run> runs_;
};

}  // namespace herd::bus
