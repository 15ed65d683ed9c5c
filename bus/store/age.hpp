// How long ago a report was accepted, whatever a peer sends. Pure.
#pragma once

#include <algorithm>

#include "protocol/clock.hpp"

namespace herd::bus {

// This node's clock minus the origin's clock when the origin accepted the report, from 0 to 31 years. `time` and
// `difference` are those of the report, `wall` is this node's time since 1970. A peer may send any time and any
// difference, so the sum is one of doubles, which does not overflow. Doubles are exact to a microsecond here.
[[nodiscard]] inline protocol::Nanoseconds age_of(protocol::Nanoseconds time, protocol::Nanoseconds difference,
                                                  protocol::Nanoseconds wall) {
  constexpr double kMost = 1e18;  // 31 years, in nanoseconds
  const double accepted_at = static_cast<double>(time.count()) + static_cast<double>(difference.count());
  const double age = static_cast<double>(wall.count()) - accepted_at;
  return protocol::Nanoseconds(static_cast<protocol::Nanoseconds::rep>(std::clamp(age, 0.0, kMost)));
}

}  // namespace herd::bus
