// Reads TOML into plain values with their lines. Only toml_file.cpp includes the TOML library, which is slow to
// compile. Pure, except that read_toml() reads the file; any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <variant>
#include <vector>

namespace herd::node {

struct TomlEntry;
struct TomlValue;
using TomlArray = std::vector<TomlValue>;
using TomlTable = std::vector<TomlEntry>;
struct TomlDate {};  // a date or time; no key of the configuration has that type

struct TomlValue {
  std::size_t line = 0;  // from 1
  std::variant<bool, std::int64_t, double, std::string, TomlDate, TomlArray, TomlTable> content;
};

struct TomlEntry {
  std::string key;
  std::size_t line = 0;  // of the key, from 1
  TomlValue value;
};

// A mistake in a file.
struct Mistake {
  std::size_t line = 0;  // from 1
  std::string text;      // what is wrong, then what to do
};

// Parses the text of a file. Returns a Mistake for its first syntax error.
[[nodiscard]] tl::expected<TomlTable, Mistake> parse_toml(std::string_view text);

// Reads `file`. Returns a Mistake if the file cannot be read (line 1), or for its first syntax error.
[[nodiscard]] tl::expected<TomlTable, Mistake> read_toml(const std::filesystem::path& file);

}  // namespace herd::node
