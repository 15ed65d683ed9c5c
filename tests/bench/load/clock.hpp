// The two clocks of the load generator, in nanoseconds.
#pragma once

#include <chrono>
#include <cstdint>

namespace herd::bench {

inline std::uint64_t monotonic_ns() {
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1));
}

inline std::uint64_t posix_ns() {
  return static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch() / std::chrono::nanoseconds(1));
}

}  // namespace herd::bench
