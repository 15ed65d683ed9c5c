// One line of the log as text or as JSON. Most events have the text `event=NAME field=value field="value with spaces"`;
// its fields become those of the JSON object, as strings:
//
//   2026-11-23T14:03:56.123Z info Hill event=link_lost peer=Smith reason="no answer for 6 s"
//   {"time":"2026-11-23T14:03:56.123Z","level":"info","node":"Hill","event":"link_lost","peer":"Smith",
//    "reason":"no answer for 6 s"}                          (in one line)
//
// A field `text` or `head`, a line that a client has sent or its beginning, is the last one of its event and contains
// the rest. A text that does not begin with `event=` becomes the field `message`. Appends to the caller's buffer and
// allocates nothing else. Any thread, also in a signal handler if the buffer is large enough.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <string_view>

namespace herd::node {

struct LogLine {
  std::chrono::system_clock::time_point time;
  std::string_view level;
  std::string_view node;
  std::string_view text;
};

// Append the line and LF. That of JSON has at most 7 bytes for each byte of node and text, and 100 more.
void append_text_line(fmt::appender out, const LogLine& line);
void append_json_line(fmt::appender out, const LogLine& line);

}  // namespace herd::node
