// Text as JSON writes it. Pure: any thread.
#pragma once

#include <string>
#include <string_view>

namespace herd::node::places {

// Appends `text` as it stands between the quotes of a JSON string; invalid UTF-8 becomes U+FFFD.
void append_json_text(std::string& out, std::string_view text);

// Appends `text` as a JSON string, quotes included.
void append_json_string(std::string& out, std::string_view text);

}  // namespace herd::node::places
