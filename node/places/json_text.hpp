// Escapes text for JSON. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace herd::node::places {

// Appends `text` with the escapes of a JSON string, without quotes. Invalid UTF-8 becomes U+FFFD.
void append_json_text(std::string& out, std::string_view text);

// Appends `text` as a JSON string with quotes. Invalid UTF-8 becomes U+FFFD.
void append_json_string(std::string& out, std::string_view text);

}  // namespace herd::node::places
