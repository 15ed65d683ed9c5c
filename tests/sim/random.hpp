// The simulator's only source of randomness: a seed determines the sequence, on every machine and standard library.
#pragma once

#include <cstdint>
#include <random>

namespace herd::sim {

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  // Uniform in [0, end); `end` is at least 1. The small bias of the modulus does not matter here.
  std::uint64_t below(std::uint64_t end) { return engine_() % end; }
  // Uniform in [low, high].
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high - low) + 1));
  }
  // True with this probability, in [0, 1].
  bool chance(double probability) { return static_cast<double>(engine_() >> 11) * 0x1p-53 < probability; }
  std::uint64_t number() { return engine_(); }

 private:
  std::mt19937_64 engine_;  // fully specified by the standard, unlike its distributions
};

}  // namespace herd::sim
