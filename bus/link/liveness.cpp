#include "bus/link/liveness.hpp"

#include <algorithm>

#include "bus/link/link_limits.hpp"
#include "bus/store/mutants.hpp"
#include "protocol/assert.hpp"

namespace herd::bus {

using protocol::Nanoseconds;

void Liveness::begin_incarnation(Nanoseconds now) {
  incarnation_began_at_ = now;
  received_at_ = now;
  answered_at_ = kLongAgo;
}

Connected Liveness::connected(Nanoseconds now) const {
  if (now - received_at_ > kSilence) return Connected::Down;
  if (now - answered_at_ <= kSilence || mutated(Mutant::HalfCountsAsUp)) return Connected::Up;
  // A new peer has not had the time to answer, so the link is not Half yet.
  return now - incarnation_began_at_ > kSilence ? Connected::Half : Connected::Down;
}

Nanoseconds Liveness::deadline(Nanoseconds now) const {
  Nanoseconds deadline = Nanoseconds::max();
  for (const Nanoseconds last : {received_at_, answered_at_, incarnation_began_at_}) {
    if (now - last <= kSilence) deadline = std::min(deadline, last + kSilence + Nanoseconds{1});
  }
  return deadline;
}

void Liveness::check_invariants() const {
  HERD_ASSERT(answered_at_ <= received_at_);
}

}  // namespace herd::bus
