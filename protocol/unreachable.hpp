// unreachable(): the end of a function after a switch over an enum in which every case returns. Such a switch has no
// `default`, so that the compiler names the cases that a new value lacks. A value outside the enum is broken code, and
// fails an assertion: text from outside becomes an enum only after a check. Any thread.
#pragma once

#include "protocol/assert.hpp"

namespace herd::protocol {

[[noreturn, gnu::cold]] inline void unreachable(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  assertion_failed({file, line, "the value is outside its enum"});
}

}  // namespace herd::protocol
