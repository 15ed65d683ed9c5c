// Time is an argument: no code in protocol/ and bus/ reads a clock. The event loop reads both clocks once per iteration
// and passes them as a Now, so that a test or the simulator can set the time.
#pragma once

#include <chrono>

namespace herd::protocol {

using Nanoseconds = std::chrono::nanoseconds;

struct Now {
  Nanoseconds steady{};  // monotonic, arbitrary origin: for timeouts and ages
  Nanoseconds wall{};    // since 1970-01-01T00:00:00Z, may jump: for times that clients see
};

}  // namespace herd::protocol
