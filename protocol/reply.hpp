// What a node says to a client, appended to the caller's buffer so that many replies leave in one write.
#pragma once

#include <string>
#include <string_view>

#include "protocol/clock.hpp"

namespace herd::protocol {

// The facts of an AT line. The texts are copied as they stand.
struct AtLine {
  std::string_view node;     // the node that was told
  Nanoseconds difference{};  // that node's clock minus the client's time
  std::string_view client;
  std::string_view coordinates;
  std::string_view time_text;
};

// `AT <node> <difference> <client> <coordinates> <time>` and LF. The difference is always signed and always has nine
// fraction digits: +0.263873386, -0.000000001.
void append_at(std::string& out, const AtLine& at);

// `IGNORE` and LF.
void append_ignore(std::string& out);

// `? `, the line and LF; bytes that no line may contain (control bytes other than white space, and FF) as \xNN with two
// lower-case hexadecimal digits.
void append_unknown(std::string& out, std::string_view line);

// `text` with every byte outside printable ASCII as \xNN, and a backslash doubled: what may enter a log or a terminal.
[[nodiscard]] std::string escape_for_log(std::string_view text);

}  // namespace herd::protocol
