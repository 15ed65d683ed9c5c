// A client's time: seconds since 1970 in decimal, `1520023934.918963997`, read without rounding into nanoseconds. Texts
// from clients and from peers go through the same function. Pure; any thread.
#pragma once

#include <string_view>

#include "protocol/clock.hpp"
#include "protocol/parsed.hpp"

namespace herd::protocol {

// Parses 1 to 10 digits, optionally followed by a point and 1 to 9 digits. No sign; the time must be below
// kTimeSecondsEnd.
[[nodiscard]] Parsed<Nanoseconds> parse_time(std::string_view text);

}  // namespace herd::protocol
