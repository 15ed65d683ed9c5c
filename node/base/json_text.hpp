// Texts as JSON strings. A node composes JSON with nlohmann::json, except where that is too slow or may not allocate:
// the monitor's events (node/observe/event_text.hpp), the documents with places (node/places/document.hpp) and the
// lines of the log (node/observe/log_line.hpp) append their fields to a buffer. All take their strings from here, where
// a usual text is three to ten times as fast as with the library. Pure; any thread, also in a signal handler if the
// buffer does not allocate.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace herd::node {

inline constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";  // U+FFFD

// Appends `text` with the escapes of a JSON string, without quotes. Bytes that are not UTF-8 become U+FFFD. Control
// characters are escaped, also U+0080 to U+009F, which JSON allows but many terminals obey. Appends at most 6 bytes for
// each byte of the text.
void append_json_text(std::string& out, std::string_view text);
void append_json_text(fmt::appender out, std::string_view text);

// The same, with quotes.
void append_json_string(std::string& out, std::string_view text);

}  // namespace herd::node
