// A histogram of durations. The width of its buckets grows with the durations: 64 buckets per doubling, so a percentile
// is exact to 1.6 %.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace herd::bench {

class Histogram {
 public:
  void add(std::uint64_t nanoseconds, std::uint64_t times = 1) {
    counts_[bucket(nanoseconds)] += times;
    total_ += times;
  }
  [[nodiscard]] std::uint64_t total() const { return total_; }
  // The duration, in nanoseconds, that the fraction `part` (0 to 1) of all did not exceed: the upper end of its bucket.
  // 0 if empty.
  [[nodiscard]] std::uint64_t percentile(double part) const {
    if (total_ == 0) return 0;
    auto left = static_cast<std::uint64_t>(static_cast<double>(total_) * part);
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      if (left < counts_[i]) return upper_end(i);
      left -= counts_[i];
    }
    return upper_end(last_used());
  }

 private:
  static constexpr int kBits = 6;
  static constexpr std::uint64_t kLinear = 1U << (kBits + 1);  // below this, each value has a bucket of its own

  static std::size_t bucket(std::uint64_t value) {
    if (value < kLinear) return value;
    const int shift = static_cast<int>(std::bit_width(value)) - kBits - 1;
    return (static_cast<std::size_t>(shift) << kBits) + (value >> shift);
  }
  static std::uint64_t upper_end(std::size_t index) {
    if (index < kLinear) return index;
    const std::size_t shift = (index >> kBits) - 1;
    return ((index - (shift << kBits)) + 1) << shift;
  }
  [[nodiscard]] std::size_t last_used() const {
    std::size_t i = counts_.size() - 1;
    while (i > 0 && counts_[i] == 0) --i;
    return i;
  }

  std::array<std::uint64_t, std::size_t{1 << kBits} * 60> counts_{};
  std::uint64_t total_ = 0;
};

}  // namespace herd::bench
