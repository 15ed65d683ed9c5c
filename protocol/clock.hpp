// Time is an argument: nothing on the two lower floors reads a clock. The loop reads both clocks once a turn and hands
// them down, so that a test or the simulator decides what time it is.
#pragma once

#include <chrono>

namespace herd::protocol {

using Nanoseconds = std::chrono::nanoseconds;

struct Now {
  Nanoseconds steady{};  // monotonic, arbitrary origin: for timeouts and ages
  Nanoseconds wall{};    // since 1970-01-01T00:00:00Z, may jump: for what is said to clients
};

}  // namespace herd::protocol
