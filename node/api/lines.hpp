// The lines of an answer, and their fields. Pure; any thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

namespace herd::node::api {

// Removes the first line from `text` and returns it without LF.
[[nodiscard]] inline std::string_view next_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

// The fields between single spaces. An event of a watch has at most 12.
using Fields = std::vector<std::string_view>;
[[nodiscard]] inline Fields split(std::string_view line) {
  Fields fields;
  fields.reserve(12);
  while (!line.empty()) {
    const std::size_t end = std::min(line.find(' '), line.size());
    fields.push_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return fields;
}

}  // namespace herd::node::api
