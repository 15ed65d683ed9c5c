#include "bus/link/liveness.hpp"

#include "bus/link/link_limits.hpp"
#include "tests/catch.hpp"

using namespace herd::bus;
using namespace herd::protocol;

namespace {

constexpr Nanoseconds kStart = 100s;

}  // namespace

TEST_CASE("a peer that was never received is down, without a deadline") {
  const Liveness liveness;
  CHECK(liveness.connected(kStart) == Connected::Down);
  CHECK(liveness.deadline(kStart) == Nanoseconds::max());
}

TEST_CASE("a peer that answers is up for kSilence, and down 1 ns later") {
  Liveness liveness;
  liveness.answered(kStart);
  CHECK(liveness.connected(kStart + kSilence) == Connected::Up);
  CHECK(liveness.deadline(kStart) == kStart + kSilence + 1ns);
  CHECK(liveness.connected(kStart + kSilence + 1ns) == Connected::Down);
  CHECK(liveness.deadline(kStart + kSilence + 1ns) == Nanoseconds::max());
}

TEST_CASE("a peer that is received and does not answer is half, except in the first kSilence of an incarnation") {
  Liveness liveness;
  liveness.answered(kStart);
  liveness.begin_incarnation(kStart);
  liveness.received(kStart + kSilence);
  CHECK(liveness.connected(kStart + kSilence) == Connected::Down);
  CHECK(liveness.connected(kStart + kSilence + 1ns) == Connected::Half);
  liveness.check_invariants();
}

TEST_CASE("a peer that has stopped is down at once") {
  Liveness liveness;
  liveness.answered(kStart);
  liveness.stopped();
  CHECK(liveness.connected(kStart) == Connected::Down);
  CHECK(liveness.received_at() < kStart - kSilence);
  liveness.check_invariants();
}
