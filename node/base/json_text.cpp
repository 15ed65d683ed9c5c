#include "node/base/json_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace herd::node {
namespace {

bool is_plain(char c) {
  return c >= ' ' && c < 0x7F && c != '"' && c != '\\';
}

// Escapes U+0080 to U+009F as \u0080 to \u009f (U+009B is ESC [ to a terminal). `text` must be valid UTF-8.
void escape_c1(std::string& text) {
  for (std::size_t at = text.find('\xc2'); at != std::string::npos; at = text.find('\xc2', at + 1)) {
    const auto second = static_cast<unsigned char>(text[at + 1]);  // exists, because the text is UTF-8
    if (second < 0xa0) text.replace(at, 2, fmt::format("\\u{:04x}", second));
  }
}

}  // namespace

void append_json_text(std::string& out, std::string_view text) {
  if (std::all_of(text.begin(), text.end(), is_plain)) {  // names, coordinates, times, most texts of places
    out += text;
    return;
  }
  std::string quoted = nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  escape_c1(quoted);
  out.append(quoted, 1, quoted.size() - 2);
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  append_json_text(out, text);
  out += '"';
}

}  // namespace herd::node
