// A client's time: POSIX seconds in decimal, `1520023934.918963997`, kept exact as a count of nanoseconds. Clients' and
// peers' texts go through the same function. Pure; any thread.
#pragma once

#include <string_view>

#include "protocol/clock.hpp"
#include "protocol/parsed.hpp"

namespace herd::protocol {

// 1 to 10 digits, optionally a point and 1 to 9 digits; no sign, and below kTimeSecondsEnd.
[[nodiscard]] Parsed<Nanoseconds> parse_time(std::string_view text);

}  // namespace herd::protocol
