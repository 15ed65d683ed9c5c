// In threads of their own: what is tested must not stay with the tests that follow.
#include "node/base/scheduling.hpp"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <thread>

#include "tests/catch.hpp"

using namespace herd::node;

namespace {

// Nanoseconds of a turn that this thread has asked for; 0: none, or the kernel is older than that.
std::uint64_t turn() {
  constexpr std::size_t kRuntimeAt = 3;  // in words of 64 bits, as sched_setattr(2) says
  std::array<std::uint64_t, 6> attributes{};
  const bool read = syscall(SYS_sched_getattr, 0, attributes.data(), sizeof attributes, 0) == 0;
  return read ? attributes[kRuntimeAt] : UINT64_MAX;
}

// However the tests were started.
bool begin_as_usual() {
  const sched_param none{};
  return sched_setscheduler(0, SCHED_OTHER, &none) == 0;
}

}  // namespace

TEST_CASE("a thread and those that it starts take short turns, where the kernel knows such") {
  bool done = false;
  int policy = -1;
  std::uint64_t own = 1;
  std::uint64_t child = 1;
  std::thread([&] {
    done = begin_as_usual() && take_short_slices();
    policy = sched_getscheduler(0);
    own = turn();
    std::thread([&] { child = turn(); }).join();
  }).join();
  CHECK(done);
  CHECK(policy == SCHED_OTHER);
  CHECK(own <= 1'000'000);
  CHECK(child == own);
}

TEST_CASE("a thread for whose work nobody waits interrupts no other") {
  bool done = false;
  int policy = -1;
  std::thread([&] {
    done = begin_as_usual() && use_batch_scheduling();
    policy = sched_getscheduler(0);
  }).join();
  CHECK(done);
  CHECK(policy == SCHED_BATCH);
}

TEST_CASE("scheduling that somebody has chosen stays as it is") {
  bool done = false;
  int policy = -1;
  std::thread([&] {
    const sched_param none{};
    if (sched_setscheduler(0, SCHED_IDLE, &none) != 0) return;
    done = take_short_slices() && use_batch_scheduling();
    policy = sched_getscheduler(0);
  }).join();
  CHECK(done);
  CHECK(policy == SCHED_IDLE);
}
