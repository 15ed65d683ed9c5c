// What a client says in one line. Parsing is pure: it neither allocates nor looks at a clock, and what it returns are
// views into the line it was given, so they live as long as that line.
#pragma once

#include <string_view>
#include <variant>

#include "protocol/clock.hpp"

namespace herd::protocol {

// Decimal degrees; latitude in [-90, 90], longitude in [-180, 180]. The text is what counts between nodes, this is for
// searching near it.
struct Position {
  double latitude = 0;
  double longitude = 0;
};

// IAMAT <client> <coordinates> <time>: all three texts are exactly what was sent.
struct Iamat {
  std::string_view client;
  std::string_view coordinates;
  std::string_view time_text;
  Nanoseconds time{};  // since 1970, exact, in [0, 9223372036 s)
};

// WHATSAT <client> <radius> <max>
struct Whatsat {
  std::string_view client;
  double radius_km = 0;  // in [0, 50], judged on the decimal text
  int max = 0;           // in [0, 20]
};

struct BlankLine {};  // nothing but white space: ignored

// An unknown name, a wrong number of fields, or a byte that no line may contain: answered with `? ` and the line.
struct UnknownCommand {};

// The right name and number of fields, but an operand that cannot be read or is out of range.
struct InvalidArguments {
  std::string_view reason;  // for the log, a literal: "latitude is not within -90 and +90"
};

using Command = std::variant<BlankLine, Iamat, Whatsat, UnknownCommand, InvalidArguments>;

// `line` has neither line end nor telnet sequences (LineBuffer has removed them).
[[nodiscard]] Command parse_command(std::string_view line);

}  // namespace herd::protocol
