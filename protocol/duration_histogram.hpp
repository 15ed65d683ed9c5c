// A histogram of durations: how many were at most as long as each of kBounds, and their sum. Prometheus computes
// quantiles from it. Plain values, without allocation; one thread at a time.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "protocol/clock.hpp"

namespace herd::protocol {

class DurationHistogram {
 public:
  // The upper bounds of the buckets, inclusive, ascending. One more bucket has no bound.
  static constexpr std::array<Nanoseconds, 18> kBounds{{
      std::chrono::microseconds(100),
      std::chrono::microseconds(250),
      std::chrono::microseconds(500),
      std::chrono::milliseconds(1),
      std::chrono::microseconds(2'500),
      std::chrono::milliseconds(5),
      std::chrono::milliseconds(10),
      std::chrono::milliseconds(25),
      std::chrono::milliseconds(50),
      std::chrono::milliseconds(100),
      std::chrono::milliseconds(250),
      std::chrono::milliseconds(500),
      std::chrono::seconds(1),
      std::chrono::milliseconds(2'500),
      std::chrono::seconds(5),
      std::chrono::seconds(10),
      std::chrono::seconds(30),
      std::chrono::seconds(60),
  }};

  // Adds `count` durations of this length. A negative one counts as 0, so that the sum never falls.
  void add(Nanoseconds duration, std::uint64_t count = 1) {
    const auto bound = std::lower_bound(kBounds.begin(), kBounds.end(), duration);
    buckets_[static_cast<std::size_t>(bound - kBounds.begin())] += count;
    const std::chrono::duration<double> seconds = std::max(duration, Nanoseconds{});
    sum_ += seconds * static_cast<double>(count);
  }

  // The number of durations in each bucket: above the bound before, and up to its own; the last has no bound.
  [[nodiscard]] const std::array<std::uint64_t, kBounds.size() + 1>& buckets() const { return buckets_; }
  // Of all durations, in seconds. A double: the ages of a million old records exceed 64 bits of nanoseconds.
  [[nodiscard]] std::chrono::duration<double> sum() const { return sum_; }

 private:
  std::array<std::uint64_t, kBounds.size() + 1> buckets_{};
  std::chrono::duration<double> sum_{};
};

}  // namespace herd::protocol
