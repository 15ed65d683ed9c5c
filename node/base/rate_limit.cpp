#include "node/base/rate_limit.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "protocol/assert.hpp"

namespace herd::node {

RateLimit::RateLimit(const Rate& rate) : rate_(rate), tokens_(rate.burst) {
  HERD_ASSERT(rate.burst >= 1);
}

bool RateLimit::allows(protocol::Nanoseconds steady) {
  refill(steady);
  if (tokens_ < 1) {
    ++suppressed_;
    return false;
  }
  tokens_ -= 1;
  return true;
}

std::uint64_t RateLimit::take_suppressed(protocol::Nanoseconds steady) {
  refill(steady);
  return tokens_ < 1 ? 0 : std::exchange(suppressed_, 0);
}

void RateLimit::refill(protocol::Nanoseconds steady) {
  const double seconds = std::chrono::duration<double>(steady - refilled_).count();
  tokens_ = std::min(rate_.burst, tokens_ + std::max(0.0, seconds) * rate_.per_second);
  refilled_ = steady;
}

}  // namespace herd::node
