// Each test uses its own threads, so that it does not change the scheduling of the other tests.
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

// The time slice that this thread has requested, in nanoseconds; 0: none, or the kernel does not support it.
std::uint64_t time_slice() {
  constexpr std::size_t kRuntimeAt = 3;  // the index of `runtime` in 64-bit words, see sched_setattr(2)
  std::array<std::uint64_t, 6> attributes{};
  const bool read = syscall(SYS_sched_getattr, 0, attributes.data(), sizeof attributes, 0) == 0;
  return read ? attributes[kRuntimeAt] : UINT64_MAX;
}

// Sets the default policy, with whatever policy the tests were started.
bool set_default_policy() {
  const sched_param none{};
  return sched_setscheduler(0, SCHED_OTHER, &none) == 0;
}

}  // namespace

TEST_CASE("a thread and its child threads get short time slices, if the kernel supports them") {
  bool done = false;
  int policy = -1;
  std::uint64_t own = 1;
  std::uint64_t child = 1;
  std::thread([&] {
    done = set_default_policy() && take_short_slices();
    policy = sched_getscheduler(0);
    own = time_slice();
    std::thread([&] { child = time_slice(); }).join();
  }).join();
  CHECK(done);
  CHECK(policy == SCHED_OTHER);
  CHECK(own <= 1'000'000);
  CHECK(child == own);
}

TEST_CASE("use_batch_scheduling() sets the policy SCHED_BATCH") {
  bool done = false;
  int policy = -1;
  std::thread([&] {
    done = set_default_policy() && use_batch_scheduling();
    policy = sched_getscheduler(0);
  }).join();
  CHECK(done);
  CHECK(policy == SCHED_BATCH);
}

TEST_CASE("a policy other than the default stays unchanged") {
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
