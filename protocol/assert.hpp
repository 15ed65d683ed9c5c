// HERD_ASSERT: what must hold if the code is right. It stays on in release builds, because a node that goes on after a
// broken invariant could acknowledge what it does not hold. Never use it on input: bad input is a value (result.hpp).
#pragma once

namespace herd::protocol {

struct FailedAssertion {
  const char* file;
  int line;
  const char* condition;
};

using AssertionReporter = void (*)(const FailedAssertion&) noexcept;

// Failed assertions are reported by this function instead of on standard error. A program whose standard error may
// block installs one that cannot. Called once, before other threads start.
void set_assertion_reporter(AssertionReporter reporter) noexcept;

// Reports and aborts. Any thread.
[[noreturn, gnu::cold]] void assertion_failed(const FailedAssertion& failed) noexcept;

}  // namespace herd::protocol

#define HERD_ASSERT(condition)                                              \
  do {                                                                      \
    if (!(condition)) [[unlikely]] {                                        \
      ::herd::protocol::assertion_failed({__FILE__, __LINE__, #condition}); \
    }                                                                       \
  } while (false)
