#include "node/base/scheduling.hpp"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace herd::node {
namespace {

// With a shorter slice a thread runs sooner. The default is 3 ms, which is about the wait of an update at each thread
// on a busy machine. Kernels before 6.12 ignore the value.
constexpr std::uint64_t kSliceNanoseconds = 300'000;

// struct sched_attr of sched_setattr(2): older C libraries have neither the type nor the calls.
struct Attributes {
  std::uint32_t size = sizeof(Attributes);
  std::uint32_t policy = 0;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime = 0;
  std::uint64_t deadline = 0;
  std::uint64_t period = 0;
};
static_assert(sizeof(Attributes) == 48);

// Changes the attributes of this thread, unless it has another policy than the default.
template <typename Change>
bool change_attributes(Change change) {
  Attributes attributes;
  if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0) return false;
  if (attributes.policy != SCHED_OTHER) return true;
  change(attributes);
  return syscall(SYS_sched_setattr, 0, &attributes, 0) == 0;
}

}  // namespace

bool take_short_slices() {
  return change_attributes([](Attributes& attributes) { attributes.runtime = kSliceNanoseconds; });
}

bool use_batch_scheduling() {
  return change_attributes([](Attributes& attributes) { attributes.policy = SCHED_BATCH; });
}

}  // namespace herd::node
