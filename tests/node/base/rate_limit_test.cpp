#include "node/base/rate_limit.hpp"

#include "tests/catch.hpp"

using herd::node::RateLimit;
using namespace std::chrono_literals;

TEST_CASE("a burst is allowed, then one action for each new token") {
  RateLimit limit({10, 3});
  const auto start = 1000s;
  CHECK(limit.allows(start));
  CHECK(limit.allows(start));
  CHECK(limit.allows(start));
  CHECK_FALSE(limit.allows(start));
  CHECK_FALSE(limit.allows(start + 99ms));
  CHECK(limit.allows(start + 101ms));
  CHECK_FALSE(limit.allows(start + 102ms));
}

TEST_CASE("a long pause fills the bucket up to the burst") {
  RateLimit limit({10, 2});
  CHECK(limit.allows(1s));
  CHECK(limit.allows(1000s));
  CHECK(limit.allows(1000s));
  CHECK_FALSE(limit.allows(1000s));
}

TEST_CASE("refusals are reported once, when an action is allowed again") {
  RateLimit limit({10, 1});
  CHECK(limit.take_suppressed(1s) == 0);
  CHECK(limit.allows(1s));
  CHECK_FALSE(limit.allows(1s));
  CHECK_FALSE(limit.allows(1s));
  CHECK(limit.take_suppressed(1s + 50ms) == 0);
  CHECK(limit.take_suppressed(1s + 150ms) == 2);
  CHECK(limit.take_suppressed(2s) == 0);
}
