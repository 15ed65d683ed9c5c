// Counters of the watches. Written on the loop's thread, which copies them into the status.
#pragma once

#include <array>
#include <cstdint>

#include "node/watches/event_text.hpp"

namespace herd::node::watches {

struct WatchCounters {
  // Now; they rise and fall.
  std::uint64_t watches = 0;
  std::uint64_t members = 0;  // of all watches that hold members
  // Since the start of the node; they only rise.
  std::uint64_t refused = 0;                        // WATCH commands refused by a limit
  std::uint64_t conflated = 0;                      // how often a watch had more than Pending::kMost unread records
  std::array<std::uint64_t, kEventKinds> events{};  // written, by EventKind
};

}  // namespace herd::node::watches
