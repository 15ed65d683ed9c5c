#include "bus/store/runs.hpp"

#include <algorithm>

#include "bus/store/mutants.hpp"

namespace herd::bus {

void Runs::begin(Run run) {
  if (runs_.size() >= kMaxRuns) runs_.erase(runs_.begin());
  runs_.push_back(run);
}

bool Runs::allow(const FeedPosition& position, ChangeNumber tail, ChangeNumber written) const {
  if (position.cursor == 0) return true;
  const auto newest = std::find_if(runs_.rbegin(), runs_.rend(), [&](const Run& run) {
    return run.incarnation == position.run && position.run != 0;
  });
  if (newest == runs_.rend()) return mutated(Mutant::UnknownRunAccepted) && position.cursor <= tail;
  if (newest != runs_.rbegin()) {  // an older run; a crash may have lost its changes after `written`
    tail = (newest - 1)->base;
    written = tail - std::min(tail, kRunGap);
  }
  return position.cursor <= tail && (position.written <= written || mutated(Mutant::WrittenIgnored));
}

}  // namespace herd::bus
