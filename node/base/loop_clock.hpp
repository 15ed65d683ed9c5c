// What time it is in this turn of the loop. The clocks are read when somebody first asks after a wait, and all that
// happens until the next wait happens at that moment: one reading for a whole batch of commands. Loop thread only.
#pragma once

#include <chrono>

#include "protocol/clock.hpp"

namespace herd::node {

class LoopClock {
 public:
  [[nodiscard]] const protocol::Now& now() const {
    if (!known_) {
      now_ = {std::chrono::steady_clock::now().time_since_epoch(), std::chrono::system_clock::now().time_since_epoch()};
      known_ = true;
    }
    return now_;
  }

  // The loop is about to wait, or has taken a while.
  void end_iteration() { known_ = false; }

  // For tests: stops the clock, and gives it to be set by hand for as long as no turn ends.
  [[nodiscard]] protocol::Now& stopped() {
    known_ = true;
    return now_;
  }

 private:
  mutable protocol::Now now_;
  mutable bool known_ = false;
};

}  // namespace herd::node
