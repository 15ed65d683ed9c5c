#include "node/observe/skew_watch.hpp"

#include "tests/catch.hpp"

using namespace herd::node;
using namespace std::chrono_literals;
using herd::protocol::Nanoseconds;

namespace {

// What is told of so many looks at the same skew.
std::vector<Skew> told(SkewWatch& watch, Nanoseconds skew, int looks = SkewWatch::kSamples) {
  std::vector<Skew> all;
  for (int i = 0; i < looks; ++i) {
    if (const auto news = watch.update(0, skew)) all.push_back(*news);
  }
  return all;
}

}  // namespace

TEST_CASE("a clock that leaves is told of once, and once when it has returned") {
  const int sign = GENERATE(1, -1);
  SkewWatch watch(1);
  CHECK(told(watch, sign * Nanoseconds(1s)).empty());
  CHECK(told(watch, sign * Nanoseconds(1001ms), 100) == std::vector{Skew::Off});
  CHECK(told(watch, sign * Nanoseconds(501ms), 100).empty());
  CHECK(told(watch, sign * Nanoseconds(500ms), 100) == std::vector{Skew::Well});
}

TEST_CASE("a clock that is far off is told of as that, at once or from a smaller skew, and on its way back") {
  SkewWatch watch(1);
  CHECK(told(watch, 30001ms, 100) == std::vector{Skew::Far});
  CHECK(told(watch, 20001ms, 100).empty());
  CHECK(told(watch, 20s, 100) == std::vector{Skew::Off});
  CHECK(told(watch, 30s, 100).empty());
  CHECK(told(watch, 31s, 100) == std::vector{Skew::Far});
  CHECK(told(watch, 0s, 100) == std::vector{Skew::Well});
}

TEST_CASE("a skew that is seen twice and no more is not told of") {
  SkewWatch watch(1);
  for (int i = 0; i < 10; ++i) {
    CHECK(told(watch, 5s, SkewWatch::kSamples - 1).empty());
    CHECK(told(watch, 0s, 1).empty());
  }
}

TEST_CASE("each peer's clock is watched for itself, and no skew is too large") {
  SkewWatch watch(2);
  CHECK(told(watch, Nanoseconds::min()) == std::vector{Skew::Far});
  CHECK_FALSE(watch.update(1, Nanoseconds::max()));
  CHECK_FALSE(watch.update(1, Nanoseconds::max()));
  CHECK(watch.update(1, Nanoseconds::max()) == Skew::Far);
  CHECK(told(watch, Nanoseconds::max(), 100).empty());
}
