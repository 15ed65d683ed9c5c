// In threads of their own: what is tested must not stay with the tests that follow.
#include "node/scheduling.hpp"

#include <sched.h>

#include <thread>

#include "tests/catch.hpp"

using herd::node::schedule_in_short_turns;

TEST_CASE("a thread and those that it starts do not interrupt others") {
  int own = -1;
  int child = -1;
  bool done = false;
  std::thread([&] {
    done = schedule_in_short_turns();
    own = sched_getscheduler(0);
    std::thread([&] { child = sched_getscheduler(0); }).join();
  }).join();
  CHECK(done);
  CHECK(own == SCHED_BATCH);
  CHECK(child == SCHED_BATCH);
}

TEST_CASE("scheduling that somebody has chosen stays as it is") {
  int own = -1;
  bool done = false;
  std::thread([&] {
    const sched_param none{};
    if (sched_setscheduler(0, SCHED_IDLE, &none) != 0) return;
    done = schedule_in_short_turns();
    own = sched_getscheduler(0);
  }).join();
  CHECK(done);
  CHECK(own == SCHED_IDLE);
}
