// A token bucket: limits the rate of an action, and counts how often the action was refused. Pure: the time is an
// argument. One thread at a time.
#pragma once

#include <cstdint>

#include "protocol/clock.hpp"

namespace herd::node {

class RateLimit {
 public:
  struct Rate {
    double per_second = 1;
    double burst = 1;  // the capacity of the bucket, at least 1: the actions allowed at once after a pause
  };

  // Starts with a full bucket.
  explicit RateLimit(const Rate& rate);

  // Whether the action is allowed at the time `steady`, which must never decrease. Counts a refusal.
  [[nodiscard]] bool allows(protocol::Nanoseconds steady);

  // Returns and resets the number of refusals if an action is allowed again; else returns 0.
  [[nodiscard]] std::uint64_t take_suppressed(protocol::Nanoseconds steady);

 private:
  void refill(protocol::Nanoseconds steady);

  Rate rate_;
  double tokens_;
  protocol::Nanoseconds refilled_{};
  std::uint64_t suppressed_ = 0;
};

}  // namespace herd::node
