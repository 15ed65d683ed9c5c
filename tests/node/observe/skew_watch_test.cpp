#include "node/observe/skew_watch.hpp"

#include "tests/catch.hpp"

using namespace herd::node;
using namespace std::chrono_literals;
using herd::protocol::Nanoseconds;

namespace {

// Returns the changes of state that `samples` samples of the same skew cause.
std::vector<Skew> changes(SkewWatch& watch, Nanoseconds skew, int samples = SkewWatch::kSamples) {
  std::vector<Skew> all;
  for (int i = 0; i < samples; ++i) {
    if (const auto changed = watch.update(0, skew)) all.push_back(*changed);
  }
  return all;
}

}  // namespace

TEST_CASE("a clock that leaves the limit is reported once, and once again when it has returned") {
  const int sign = GENERATE(1, -1);
  SkewWatch watch;
  CHECK(changes(watch, sign * Nanoseconds(1s)).empty());
  CHECK(changes(watch, sign * Nanoseconds(1001ms), 100) == std::vector{Skew::Off});
  CHECK(changes(watch, sign * Nanoseconds(501ms), 100).empty());
  CHECK(changes(watch, sign * Nanoseconds(500ms), 100) == std::vector{Skew::Well});
}

TEST_CASE("a clock that is far off is reported as far, at once or from a smaller skew, and on its way back") {
  SkewWatch watch;
  CHECK(changes(watch, 30001ms, 100) == std::vector{Skew::Far});
  CHECK(changes(watch, 20001ms, 100).empty());
  CHECK(changes(watch, 20s, 100) == std::vector{Skew::Off});
  CHECK(changes(watch, 30s, 100).empty());
  CHECK(changes(watch, 31s, 100) == std::vector{Skew::Far});
  CHECK(changes(watch, 0s, 100) == std::vector{Skew::Well});
}

TEST_CASE("a skew of only two samples is not reported") {
  SkewWatch watch;
  for (int i = 0; i < 10; ++i) {
    CHECK(changes(watch, 5s, SkewWatch::kSamples - 1).empty());
    CHECK(changes(watch, 0s, 1).empty());
  }
}

TEST_CASE("each peer has a state of its own, and no skew is too large") {
  SkewWatch watch;
  CHECK(changes(watch, Nanoseconds::min()) == std::vector{Skew::Far});
  CHECK_FALSE(watch.update(1, Nanoseconds::max()));
  CHECK_FALSE(watch.update(1, Nanoseconds::max()));
  CHECK(watch.update(1, Nanoseconds::max()) == Skew::Far);
  CHECK(changes(watch, Nanoseconds::max(), 100).empty());
}

TEST_CASE("the next peer with the number of a removed one begins well") {
  SkewWatch watch;
  CHECK(changes(watch, 5s) == std::vector<Skew>{Skew::Off});
  watch.forget(0);
  watch.forget(7);
  CHECK(changes(watch, 0s).empty());
  CHECK(changes(watch, 5s) == std::vector<Skew>{Skew::Off});
}
