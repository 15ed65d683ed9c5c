// The commands of the client protocol, one per line; docs/PROTOCOL.md has the grammar. Parsing is pure: it does not
// allocate and does not read a clock. The views in a Command point into the line, and are valid as long as the line.
#pragma once

#include <string_view>
#include <variant>

#include "protocol/clock.hpp"
#include "protocol/coordinates.hpp"
#include "protocol/query.hpp"

namespace herd::protocol {

// IAMAT <client> <coordinates> <time>: a report. The three texts are exactly as the client sent them.
struct Iamat {
  std::string_view client;
  std::string_view coordinates;
  std::string_view time_text;
  Nanoseconds time{};  // since 1970, exact, in [0, 9223372036 s)
};

// WHATSAT <client> <radius> <max>: a lookup.
struct Whatsat {
  std::string_view client;
  double radius_km = 0;  // in [0, 50]; the range is checked on the decimal text
  int max = 0;           // the most places in the answer, in [0, 20]
};

// AUTH <token>: says which client connects.
struct Auth {
  std::string_view token;  // empty: the line has not exactly one operand, or contains a forbidden byte
};

// PING [word]: is the node there?
struct ClientPing {
  std::string_view word;  // empty: none
};

// HELP [command]
struct Help {
  std::string_view command;  // empty: all commands
};

struct Info {};  // INFO: the node and the connection
struct Why {};   // WHY: the reason of the last refusal
struct Quit {};  // QUIT: the end of the connection

struct BlankLine {};  // empty, or only white space: ignored

// An unknown command name, a wrong number of fields, or a forbidden byte. The reply is `? ` and the line.
struct UnknownCommand {
  std::string_view reason;  // for WHY; a literal
};

// A line of HTTP: `METHOD path HTTP/1.x` with any method, AUTH too, or a line that begins with `Host:` (in any case).
// It ends the connection, because a web page can make a browser send arbitrary lines after it.
struct HttpLine {};

// A known command with the right number of fields, and an operand that is malformed or out of range.
struct InvalidArguments {
  std::string_view reason;  // for the log and WHY; a literal, such as "latitude is not within -90 and +90"
};

using Command = std::variant<BlankLine, Iamat, Whatsat, Whereis, Near, Within, Count, Watch, Unwatch, Auth, ClientPing,
                             Info, Help, Why, Quit, UnknownCommand, HttpLine, InvalidArguments, RefusedQuery>;

// Parses any line. `line` has neither a line end nor telnet sequences: LineBuffer has removed them.
[[nodiscard]] Command parse_command(std::string_view line);

// Whether the first word of the line is AUTH, so that the line may contain a token: no part of it may be shown or
// logged.
[[nodiscard]] bool is_secret(std::string_view line);

// Whether `text` is a valid client id: 1 to kMaxClientBytes bytes without white space, control bytes and FF. Updates
// from peers are checked with it too.
[[nodiscard]] bool is_client_id(std::string_view text);

}  // namespace herd::protocol
