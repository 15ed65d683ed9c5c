// The time of the current loop iteration. The clocks are read once, at the first call of now() in an iteration; all
// work until the loop waits again has the same time. So a batch of commands costs one reading. Loop thread only.
#pragma once

#include <chrono>

#include "protocol/clock.hpp"

namespace herd::node {

// Reads both clocks. Any thread.
[[nodiscard]] inline protocol::Now read_clocks() {
  return {std::chrono::steady_clock::now().time_since_epoch(), std::chrono::system_clock::now().time_since_epoch()};
}

class LoopClock {
 public:
  [[nodiscard]] const protocol::Now& now() const {
    if (!known_) {
      now_ = read_clocks();
      known_ = true;
    }
    return now_;
  }

  // Call it before the loop waits, and after long work: the next now() reads the clocks again.
  void end_iteration() { known_ = false; }

  // For tests: stops the clock and returns its time, which the test can set, until the next end_iteration().
  [[nodiscard]] protocol::Now& stopped() {
    known_ = true;
    return now_;
  }

 private:
  mutable protocol::Now now_;
  mutable bool known_ = false;
};

}  // namespace herd::node
