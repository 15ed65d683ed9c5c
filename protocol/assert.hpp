// HERD_ASSERT(condition): a condition that holds unless the code has a fault. It is on in release builds too, because a
// node that continues after a broken invariant could acknowledge updates that it does not have. The condition must have
// no side effects. Never use it on input: bad input is a value (result.hpp). Any thread.
#pragma once

namespace herd::protocol {

struct FailedAssertion {
  const char* file;
  int line;
  const char* condition;
};

using AssertionReporter = void (*)(const FailedAssertion&) noexcept;

// Installs the function that reports failed assertions. The default one writes to standard error; a program in which
// that may block installs one that cannot. Call it at most once, before other threads start.
void set_assertion_reporter(AssertionReporter reporter) noexcept;

// Calls the reporter, then aborts the process. Any thread.
[[noreturn, gnu::cold]] void assertion_failed(const FailedAssertion& failed) noexcept;

}  // namespace herd::protocol

#define HERD_ASSERT(condition)                                              \
  do {                                                                      \
    if (!(condition)) [[unlikely]] {                                        \
      ::herd::protocol::assertion_failed({__FILE__, __LINE__, #condition}); \
    }                                                                       \
  } while (false)
