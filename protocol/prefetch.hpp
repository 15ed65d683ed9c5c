// A hint to the processor: the cache line at an address will be read, or written, soon. Safe for any address, even an
// invalid one. Any thread.
#pragma once

namespace herd::protocol {

enum class PrefetchFor { Reading, Writing };

// GCC treats a function that only calls __builtin_prefetch() as free of side effects, and removes calls of it. The
// empty volatile asm counts as a side effect, so the calls stay.
template <PrefetchFor purpose = PrefetchFor::Reading>
void prefetch(const void* address) {
  __builtin_prefetch(address, purpose == PrefetchFor::Writing ? 1 : 0);
  asm volatile("");
}

}  // namespace herd::protocol
