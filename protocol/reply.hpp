// The replies to clients. Each function appends to the caller's buffer, so that many replies leave in one write. Pure;
// any thread.
#pragma once

#include <string>
#include <string_view>

#include "protocol/clock.hpp"

namespace herd::protocol {

// The fields of an AT line. The texts are copied unchanged; each must be within its bound in limits.hpp.
struct AtLine {
  std::string_view node;     // the origin: the node that the client reported to
  Nanoseconds difference{};  // the origin's clock minus the client's time
  std::string_view client;
  std::string_view coordinates;
  std::string_view time_text;
};

// Appends `AT <node> <difference> <client> <coordinates> <time>` and LF. The difference is in seconds, with a sign and
// nine fraction digits: +0.263873386, -0.000000001.
void append_at(std::string& out, const AtLine& at);

// Appends `IGNORE` and LF.
void append_ignore(std::string& out);

// Appends `? `, the line and LF. Writes forbidden bytes (control bytes other than white space, and FF) as \xNN with two
// lower-case hexadecimal digits.
void append_unknown(std::string& out, std::string_view line);

// Returns `text` in a form that is safe in a log and on a terminal: bytes outside printable ASCII become \xNN,
// backslashes are doubled.
[[nodiscard]] std::string escape_for_log(std::string_view text);

}  // namespace herd::protocol
