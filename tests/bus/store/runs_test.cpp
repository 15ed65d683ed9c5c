#include "bus/store/runs.hpp"

#include "tests/catch.hpp"

using namespace herd::bus;

namespace {

constexpr std::uint64_t kA = 11;
constexpr std::uint64_t kB = 12;
constexpr std::uint64_t kStranger = 99;

// Run A gave out numbers up to 100 at most; run B is the present one.
Runs two_runs() {
  Runs runs;
  runs.begin({kA, 0});
  runs.begin({kB, 100});
  return runs;
}

}  // namespace

TEST_CASE("the journal must still contain the changes that the run had written") {
  Runs runs;
  runs.begin({kA, 0});
  runs.begin({kB, 60 + kRunGap});  // the journal contained A's changes up to 60
  const ChangeNumber tail = 90 + kRunGap;
  CHECK(runs.allow({70, kA, 60}, tail, 60 + kRunGap));
  CHECK_FALSE(runs.allow({70, kA, 61}, tail, 60 + kRunGap));
  CHECK(runs.allow({tail, kB, 80 + kRunGap}, tail, 80 + kRunGap));
  CHECK_FALSE(runs.allow({tail, kB, 81 + kRunGap}, tail, 80 + kRunGap));
}

TEST_CASE("a cursor is possible up to the base of the next run, and in the present run up to the tail") {
  const Runs runs = two_runs();
  CHECK(runs.allow({1, kA}, 130, 130));
  CHECK(runs.allow({100, kA}, 130, 130));
  CHECK_FALSE(runs.allow({101, kA}, 130, 130));
  CHECK(runs.allow({130, kB}, 130, 130));
  CHECK_FALSE(runs.allow({131, kB}, 130, 130));
  CHECK(runs.allow({7, kB}, 130, 130));  // a peer that received everything from the present run
}

TEST_CASE("a cursor of an unlisted run is impossible, however low it is") {
  const Runs runs = two_runs();
  CHECK_FALSE(runs.allow({1, kStranger}, 130, 130));
  CHECK_FALSE(runs.allow({1, 0}, 130, 130));
  CHECK_FALSE(Runs().allow({1, kA}, 1, 1));
}

TEST_CASE("the cursor 0 is always possible") {
  CHECK(two_runs().allow({0, kStranger}, 130, 130));
  CHECK(Runs().allow({0, 0}, 0, 0));
}

TEST_CASE("a run without an incarnation, from an old journal, ends the run before it, and no cursor can name it") {
  Runs runs = two_runs();
  runs.begin({0, 200});
  runs.begin({kStranger, 300});
  CHECK(runs.allow({200, kB}, 400, 400));
  CHECK_FALSE(runs.allow({201, kB}, 400, 400));
  CHECK_FALSE(runs.allow({250, 0}, 400, 400));
}

TEST_CASE("only the newest 1,024 runs are listed") {
  Runs runs;
  for (std::uint64_t run = 1; run <= Runs::kMaxRuns; ++run) runs.begin({run, run * 10});
  CHECK(runs.allow({15, 1}, 20'000, 20'000));
  runs.begin({Runs::kMaxRuns + 1, 20'000});
  CHECK(runs.list().size() == Runs::kMaxRuns);
  CHECK_FALSE(runs.allow({15, 1}, 20'000, 20'000));
  CHECK(runs.allow({15, 2}, 20'000, 20'000));
}
