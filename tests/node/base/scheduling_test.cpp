// Each test uses its own threads, so that it does not change the scheduling of the other tests.
#include "node/base/scheduling.hpp"

#include <dlfcn.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdarg>
#include <cstdint>
#include <cstring>
#include <thread>

#include "tests/catch.hpp"

using namespace herd::node;

namespace {

using Attributes = std::array<std::uint64_t, 6>;  // struct sched_attr of sched_setattr(2), in 64-bit words
constexpr std::size_t kRuntimeAt = 3;             // the index of `runtime`, the time slice in nanoseconds

thread_local Attributes requested{};  // by this thread's last call of sched_setattr(2)

// The time slice that the kernel has set for this thread, in nanoseconds. 0: the kernel does not support it, as before
// Linux 6.12.
std::uint64_t time_slice() {
  Attributes attributes{};
  const bool read = syscall(SYS_sched_getattr, 0, attributes.data(), sizeof attributes, 0) == 0;
  return read ? attributes[kRuntimeAt] : UINT64_MAX;
}

// Sets the default policy, with whatever policy the tests were started.
bool set_default_policy() {
  const sched_param none{};
  return sched_setscheduler(0, SCHED_OTHER, &none) == 0;
}

}  // namespace

// Used instead of the C library's function in this program: notes what sched_setattr(2) gets, and passes all calls on.
// No call has more than six arguments; the kernel ignores those that a call does not use.
extern "C" long syscall(long number, ...) noexcept {
  using Function = long (*)(long, ...);
  const auto library = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "syscall"));
  std::array<long, 6> given{};
  va_list arguments;
  va_start(arguments, number);
  for (long& argument : given) argument = va_arg(arguments, long);
  va_end(arguments);
  if (number == SYS_sched_setattr) {
    // The kernel's interface has a pointer in a long. NOLINTNEXTLINE(performance-no-int-to-ptr)
    std::memcpy(requested.data(), reinterpret_cast<const void*>(given[1]), sizeof requested);
  }
  return library(number, given[0], given[1], given[2], given[3], given[4], given[5]);
}

TEST_CASE("a thread requests time slices of less than a millisecond, and its child threads get them too") {
  bool done = false;
  int policy = -1;
  std::uint64_t slice = 0;
  std::uint64_t own = 1;
  std::uint64_t child = 1;
  std::thread([&] {
    done = set_default_policy() && take_short_slices();
    policy = sched_getscheduler(0);
    slice = requested[kRuntimeAt];
    own = time_slice();
    std::thread([&] { child = time_slice(); }).join();
  }).join();
  CHECK(done);
  CHECK(policy == SCHED_OTHER);
  CHECK(slice > 0);
  CHECK(slice < 1'000'000);
  CHECK((own == slice || own == 0));
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
