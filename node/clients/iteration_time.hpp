// How much of a loop iteration the area index and the events of watches may take. Both come after the reports, so the
// bounds depend on the time that the iteration has taken before them. Pure; any thread.
#pragma once

#include <algorithm>
#include <chrono>

#include "node/base/limits.hpp"

namespace herd::node {

// For the index: kIndexSlice, or as long as the iteration took before it. So it keeps up as long as a change costs it
// and the watches no more than it costs the rest of the node.
[[nodiscard]] constexpr std::chrono::nanoseconds index_time(std::chrono::nanoseconds elapsed) {
  return std::clamp<std::chrono::nanoseconds>(elapsed, kIndexSlice, kMaxIndexSlice);
}

// For the events: until the iteration has taken kEventsEnd, but at least a part of the time that it took before them.
// So with many reports each send has more events, and there are not more sends.
[[nodiscard]] constexpr std::chrono::nanoseconds event_time(std::chrono::nanoseconds elapsed) {
  const std::chrono::nanoseconds part = std::min<std::chrono::nanoseconds>(elapsed, kMaxIndexSlice) / kEventDivisor;
  return std::max<std::chrono::nanoseconds>(kEventsEnd - elapsed, part);
}

}  // namespace herd::node
