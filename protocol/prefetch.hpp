// A hint to the processor: the cache line at an address will be read, or written, soon. Never wrong, also at an address
// that must not be read. Any thread.
#pragma once

namespace herd::protocol {

enum class For { Reading, Writing };

// With __builtin_prefetch() alone, GCC takes a function that does nothing but prefetch for one without an effect, and
// leaves out the calls of it. The empty instruction, which it must keep, prevents that.
template <For purpose = For::Reading>
inline void prefetch(const void* address) {
  __builtin_prefetch(address, purpose == For::Writing ? 1 : 0);
  asm volatile("");
}

}  // namespace herd::protocol
