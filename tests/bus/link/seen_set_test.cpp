#include "bus/link/seen_set.hpp"

#include <memory>
#include <random>
#include <set>
#include <string>

#include "tests/catch.hpp"

using namespace herd::bus;

namespace {

constexpr std::uint64_t kWindow = SeenSet::kWindow;

std::unique_ptr<SeenSet::Window> window() {
  return std::make_unique<SeenSet::Window>();
}

}  // namespace

TEST_CASE("an inserted number is contained, its neighbours are not") {
  const auto seen = window();
  CHECK_FALSE(seen->contains(0));
  CHECK_FALSE(seen->contains(1));
  seen->insert(64);
  CHECK(seen->contains(64));
  CHECK_FALSE(seen->contains(63));
  CHECK_FALSE(seen->contains(65));
  CHECK_FALSE(seen->contains(64 + kWindow));
}

TEST_CASE("a window forgets the numbers that fall out of it, and no other") {
  const auto seen = window();
  seen->insert(1);
  seen->insert(2);
  seen->insert(kWindow);  // 1 is the lowest number in the window now
  CHECK(seen->contains(1));
  seen->insert(kWindow + 1);
  CHECK_FALSE(seen->contains(1));
  CHECK(seen->contains(2));
  CHECK(seen->contains(kWindow));
}

TEST_CASE("a number below the window is not contained, and inserting it changes nothing") {
  const auto seen = window();
  seen->insert(3 * kWindow);
  seen->insert(5);
  CHECK_FALSE(seen->contains(5));
  CHECK_FALSE(seen->contains(2 * kWindow + 5));  // it has the same bit as 5
  CHECK(seen->contains(3 * kWindow));
}

TEST_CASE("a jump beyond the window clears all of it") {
  for (const std::uint64_t jump : {kWindow - 1, kWindow, kWindow + 1, std::uint64_t{1} << 40U}) {
    const auto seen = window();
    for (std::uint64_t n = 1; n <= 200; ++n) seen->insert(n);
    seen->insert(200 + jump);
    for (std::uint64_t n = 200 + jump - 1; n > 200 && n > jump; --n) CHECK_FALSE(seen->contains(n));
    CHECK(seen->contains(200) == (jump < kWindow));
    CHECK_FALSE(seen->contains(199));
  }
}

TEST_CASE("a gap clears exactly the numbers that it covers, wherever it begins and ends", "[slow]") {
  for (const std::uint64_t from : {0U, 1U, 63U, 64U, 65U, 100U}) {
    for (const std::uint64_t gap : {1U, 2U, 62U, 63U, 64U, 65U, 127U, 128U, 129U, 1000U}) {
      INFO("from " << from << ", gap " << gap);
      const auto seen = window();
      for (std::uint64_t n = 1; n <= kWindow + from; ++n) seen->insert(n);
      seen->insert(kWindow + from + gap);
      CHECK(seen->contains(kWindow + from) == true);
      for (std::uint64_t n = kWindow + from + 1; n < kWindow + from + gap; ++n) REQUIRE_FALSE(seen->contains(n));
      CHECK(seen->contains(from + gap + 1));  // the lowest number that is left
      CHECK_FALSE(seen->contains(from + gap));
    }
  }
}

TEST_CASE("the highest possible numbers do not wrap around") {
  const auto seen = window();
  seen->insert(UINT64_MAX);
  CHECK(seen->contains(UINT64_MAX));
  CHECK_FALSE(seen->contains(0));
  CHECK_FALSE(seen->contains(UINT64_MAX - 1));
  seen->insert(0);
  seen->insert(UINT64_MAX - 1);
  CHECK_FALSE(seen->contains(0));
  CHECK(seen->contains(UINT64_MAX - 1));
}

TEST_CASE("a window contains exactly the inserted numbers that are not below it") {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    INFO("seed " << seed);
    std::mt19937_64 random(seed);
    const auto seen = window();
    std::set<std::uint64_t> model;
    std::uint64_t highest = 0;
    for (int step = 0; step < 20'000; ++step) {
      const std::uint64_t ahead = random() % 200 == 0 ? random() % (3 * kWindow) : random() % 64;
      const std::uint64_t back = random() % (2 * kWindow);
      const std::uint64_t number = random() % 2 == 0 ? highest + ahead : highest - std::min(highest, back);
      const bool in_window = number > highest || highest - number < kWindow;
      const bool expected = model.count(number) != 0 && in_window;
      REQUIRE(seen->contains(number) == expected);
      seen->insert(number);
      highest = std::max(highest, number);
      if (in_window) model.insert(number);
    }
  }
}

TEST_CASE("each run of each origin has its own window") {
  SeenSet seen;
  seen.window("Hill", 1).insert(5);
  CHECK(seen.window("Hill", 1).contains(5));
  CHECK_FALSE(seen.window("Hill", 2).contains(5));
  CHECK_FALSE(seen.window("Smith", 1).contains(5));
}

TEST_CASE("the least recently used window is dropped for a new one, and no other") {
  SeenSet seen;
  for (std::uint64_t run = 0; run < SeenSet::kMaxWindows; ++run) seen.window("Hill", run).insert(1);
  CHECK(seen.window("Hill", 0).contains(1));  // used most recently now
  seen.window("Smith", 0).insert(1);          // replaces the window of run 1
  CHECK(seen.window("Hill", 0).contains(1));
  CHECK(seen.window("Hill", 2).contains(1));
  CHECK_FALSE(seen.window("Hill", 1).contains(1));
}

TEST_CASE("an origin that is forgotten loses the windows of all its runs, and no other does") {
  SeenSet seen;
  seen.window("Hill", 1).insert(5);
  seen.window("Hill", 2).insert(6);
  seen.window("Smith", 1).insert(5);
  seen.forget("Hill");
  CHECK_FALSE(seen.window("Hill", 1).contains(5));
  CHECK_FALSE(seen.window("Hill", 2).contains(6));
  CHECK(seen.window("Smith", 1).contains(5));
  seen.forget("Campbell");
}
