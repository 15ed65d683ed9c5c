// A token bucket: how often something may be done, and how often it was not done because of that. Pure; time comes in.
#pragma once

#include <cstdint>

#include "protocol/clock.hpp"

namespace herd::node {

class RateLimit {
 public:
  struct Rate {
    double per_second = 1;
    double burst = 1;  // so many at once after a rest, at least 1
  };

  // The bucket is full at first.
  explicit RateLimit(const Rate& rate);

  // Whether it may be done at the time `steady`, which never goes back. A refusal is counted.
  [[nodiscard]] bool allows(protocol::Nanoseconds steady);

  // The refusals not yet taken, once at least one more is allowed again; 0 before. Forgets them.
  [[nodiscard]] std::uint64_t take_suppressed(protocol::Nanoseconds steady);

 private:
  void refill(protocol::Nanoseconds steady);

  Rate rate_;
  double tokens_;
  protocol::Nanoseconds refilled_{};
  std::uint64_t suppressed_ = 0;
};

}  // namespace herd::node
