// What a client says in one line. Parsing is pure: it neither allocates nor looks at a clock, and what it returns are
// views into the line it was given, so they live as long as that line.
#pragma once

#include <string_view>
#include <variant>

#include "protocol/clock.hpp"
#include "protocol/coordinates.hpp"

namespace herd::protocol {

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

// A line of HTTP: `METHOD path HTTP/1.x`, or one that begins with `Host:` (in any case). It ends the connection,
// because a web page can make a browser send any lines after it.
struct HttpLine {};

// The right name and number of fields, but an operand that cannot be read or is out of range.
struct InvalidArguments {
  std::string_view reason;  // for the log, a literal: "latitude is not within -90 and +90"
};

using Command = std::variant<BlankLine, Iamat, Whatsat, UnknownCommand, HttpLine, InvalidArguments>;

// `line` has neither line end nor telnet sequences (LineBuffer has removed them).
[[nodiscard]] Command parse_command(std::string_view line);

// 1 to kMaxClientBytes bytes without white space, control bytes and FF. Peers' updates are judged by it too.
[[nodiscard]] bool is_client_id(std::string_view text);

}  // namespace herd::protocol
