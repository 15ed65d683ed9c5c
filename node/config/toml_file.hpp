// A TOML file as plain values that know their line. The only place that sees the TOML library, so that nothing else is
// compiled with it. Pure but for reading the file; any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <tl/expected.hpp>
#include <variant>
#include <vector>

namespace herd::node {

struct TomlEntry;
struct TomlValue;
using TomlArray = std::vector<TomlValue>;
using TomlTable = std::vector<TomlEntry>;
struct TomlDate {};  // dates and times: no key of ours is one

struct TomlValue {
  std::size_t line = 0;  // from 1
  std::variant<bool, std::int64_t, double, std::string, TomlDate, TomlArray, TomlTable> content;
};

struct TomlEntry {
  std::string key;
  std::size_t line = 0;  // of the key, from 1
  TomlValue value;
};

// What is wrong with a file, and in which line.
struct Mistake {
  std::size_t line = 0;  // from 1
  std::string text;      // what is wrong and what to do
};

// Fails with one Mistake if the file cannot be read (line 1), or at its first syntax error, where reading ends.
[[nodiscard]] tl::expected<TomlTable, Mistake> read_toml(const std::filesystem::path& file);

}  // namespace herd::node
