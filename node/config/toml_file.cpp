#include "node/config/toml_file.hpp"

#include <toml++/toml.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

namespace herd::node {
namespace {

TomlValue plain(const toml::node& node);

std::size_t line_of(const toml::source_region& source) {
  return source.begin.line;
}

TomlTable plain_table(const toml::table& table) {
  TomlTable entries;
  for (const auto& [key, node] : table) {
    // An implicit table ([a.b] without [a]) has no line of its own, so the line of the key is used.
    entries.push_back({std::string(key.str()), line_of(key.source()), plain(node)});
  }
  return entries;
}

TomlArray plain_array(const toml::array& array) {
  TomlArray values;
  for (const auto& node : array) values.push_back(plain(node));
  return values;
}

TomlValue plain(const toml::node& node) {
  TomlValue value{line_of(node.source()), TomlDate{}};
  if (const auto* table = node.as_table()) value.content = plain_table(*table);
  if (const auto* array = node.as_array()) value.content = plain_array(*array);
  if (const auto* text = node.as_string()) value.content = text->get();
  if (const auto* number = node.as_integer()) value.content = number->get();
  if (const auto* number = node.as_floating_point()) value.content = number->get();
  if (const auto* truth = node.as_boolean()) value.content = truth->get();
  return value;
}

}  // namespace

tl::expected<TomlTable, Mistake> parse_toml(std::string_view text) {
  try {
    return plain_table(toml::parse(text));
  } catch (const toml::parse_error& error) {
    return tl::unexpected(Mistake{line_of(error.source()), "TOML syntax error: " + std::string(error.description())});
  }
}

tl::expected<TomlTable, Mistake> read_toml(const std::filesystem::path& file) {
  std::error_code ignored;
  if (std::filesystem::is_directory(file, ignored)) {
    return tl::unexpected(Mistake{1, "is a directory: give a file with --config or $HERD_CONFIG"});
  }
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  if (!stream) {
    return tl::unexpected(Mistake{1, std::string("cannot be read (") + std::strerror(errno) +
                                         "): give a readable file with --config or $HERD_CONFIG"});
  }
  return parse_toml(std::string{std::istreambuf_iterator<char>(stream), {}});
}

}  // namespace herd::node
