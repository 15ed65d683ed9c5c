#include "node/config/key_file.hpp"

#include <fmt/format.h>

#include <system_error>
#include <utility>

namespace herd::node {

bool KeyFile::exists() const {
  std::error_code ignored;
  return std::filesystem::exists(path_, ignored);
}

TomlTable KeyFile::read(const FileRules& rules) {
  if (!exists()) {
    add(1, fmt::format("there is no such file: {}", remedy_));
    return {};
  }
  const auto text = read_small_file(path_, rules);
  if (!text) {
    add(1, fmt::format("the file {}", text.error().message));
    return {};
  }
  auto toml = parse_toml(*text);
  if (toml) return std::move(*toml);
  add(toml.error().line, fmt::format("{}: correct it, or remove the file and {}", toml.error().text, remedy_));
  return {};
}

void KeyFile::warn(std::size_t line, const std::string& text) {
  warnings_.push_back(fmt::format("{}:{}: {}", path_.string(), line, text));
}

void KeyFile::append_mistakes(std::string& lines) const {
  if (mistakes_.empty()) return;
  if (!lines.empty()) lines += '\n';
  lines += mistakes_.in(path_).message;
}

}  // namespace herd::node
