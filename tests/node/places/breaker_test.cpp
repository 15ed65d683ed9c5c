#include "node/places/breaker.hpp"

#include "tests/catch.hpp"

using namespace herd::node::places;
using namespace std::chrono_literals;
using herd::protocol::Nanoseconds;

namespace {

// Fails requests begun at `now` until the breaker opens. Returns the number of failures.
int fail_until_open(Breaker& breaker, Nanoseconds now) {
  int failures = 0;
  while (const auto period = breaker.admit(now)) {
    breaker.failed(*period, now);
    ++failures;
  }
  return failures;
}

}  // namespace

TEST_CASE("a service rests after five consecutive failures, and not after four") {
  Breaker breaker;
  CHECK(fail_until_open(breaker, 0s) == Breaker::kFailures);
  CHECK(breaker.state() == Breaker::State::Open);
  CHECK(breaker.rests_until() == Breaker::kFirstRest);
}

TEST_CASE("a success resets the count of failures") {
  Breaker breaker;
  for (int i = 1; i < Breaker::kFailures; ++i) breaker.failed(*breaker.admit(0s), 0s);
  breaker.succeeded();
  CHECK(fail_until_open(breaker, 0s) == Breaker::kFailures);
}

TEST_CASE("after a rest exactly one request tests the service") {
  Breaker breaker;
  fail_until_open(breaker, 0s);
  CHECK_FALSE(breaker.admit(1s - 1ns));
  REQUIRE(breaker.admit(1s));
  CHECK(breaker.state() == Breaker::State::HalfOpen);
  CHECK_FALSE(breaker.admit(1s));
  breaker.succeeded();
  CHECK(breaker.state() == Breaker::State::Closed);
  CHECK(breaker.admit(1s));
}

TEST_CASE("each rest after a failed test is twice as long, up to the longest, and a success resets it") {
  Breaker breaker;
  fail_until_open(breaker, 0s);
  Nanoseconds now{};
  for (const Nanoseconds rest : {1s, 2s, 4s, 8s, 16s, 30s, 30s}) {
    CHECK(breaker.rests_until() == now + rest);
    now += rest;
    CHECK(fail_until_open(breaker, now) == 1);
  }
  breaker.succeeded();
  fail_until_open(breaker, now);
  CHECK(breaker.rests_until() == now + Breaker::kFirstRest);
}

TEST_CASE("failures of requests from before a rest neither prolong it nor end a test") {
  Breaker breaker;
  const auto old = breaker.admit(0s);
  fail_until_open(breaker, 0s);
  breaker.failed(*old, 500ms);
  CHECK(breaker.rests_until() == 1s);
  REQUIRE(breaker.admit(1s));
  breaker.failed(*old, 1s);
  CHECK(breaker.state() == Breaker::State::HalfOpen);
}

TEST_CASE("a late success proves that the service works, also while it rests") {
  Breaker breaker;
  fail_until_open(breaker, 0s);
  breaker.succeeded();
  CHECK(breaker.state() == Breaker::State::Closed);
}
