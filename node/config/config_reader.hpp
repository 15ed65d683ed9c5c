// Typed reading of a configuration: each key is taken by name into a variable that holds its default, and whatever is
// wrong with it becomes a mistake with its line. Reading goes on after a mistake, so that all are named at once.
#pragma once

#include <chrono>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "node/config/toml_file.hpp"
#include "protocol/result.hpp"

namespace herd::node {

class Mistakes {
 public:
  void add(std::size_t line, std::string text) { all_.push_back({line, std::move(text)}); }
  [[nodiscard]] bool empty() const { return all_.empty(); }

  // One line for each, `FILE:LINE: text`, in the order of the file.
  [[nodiscard]] protocol::Error in(const std::filesystem::path& file) const;

 private:
  std::vector<Mistake> all_;
};

// The one of `known` that `word` is probably meant to be (at most two slips of the finger away), or nothing.
[[nodiscard]] std::string_view nearest(std::string_view word, std::span<const std::string_view> known);

// ` (did you mean "..."?)`, or nothing where no known word is near.
[[nodiscard]] std::string did_you_mean(std::string_view word, std::span<const std::string_view> known);

// A text and the line it stands in.
struct Placed {
  std::string text;
  std::size_t line = 0;
};

template <typename T>
struct Range {
  T least;
  T most;  // included
};

// One table of the file. It borrows the table and the mistakes; both must outlive it.
class Section {
 public:
  struct Origin {
    std::string name;  // as messages say it: "[clients]"
    std::size_t line = 0;
  };

  Section(const TomlTable& table, Origin origin, Mistakes& mistakes)
      : table_(table), origin_(std::move(origin)), mistakes_(mistakes) {}

  [[nodiscard]] std::size_t line() const { return origin_.line; }
  // Where the key stands, or where the table begins if it does not.
  [[nodiscard]] std::size_t line_of(std::string_view key) const;
  [[nodiscard]] bool has(std::string_view key) const;

  // Each leaves `into` alone if the key is absent or wrong. They return whether `into` was set.
  bool read(std::string_view key, bool& into);
  bool read(std::string_view key, std::string& into);
  bool read(std::string_view key, Range<std::size_t> range, std::size_t& into);
  bool read(std::string_view key, Range<std::chrono::milliseconds> range, std::chrono::milliseconds& into);
  bool read(std::string_view key, std::vector<Placed>& into);
  bool read_one_of(std::string_view key, std::span<const std::string_view> known, std::string& into);

  // As read, and an absent key is a mistake.
  bool require(std::string_view key, std::string& into);

  // The tables of [[key]], in the order of the file; each was taken.
  struct Table {
    const TomlTable* table = nullptr;
    std::size_t line = 0;
  };
  [[nodiscard]] std::vector<Table> tables(std::string_view key);
  // The table [key], an empty one if it is absent.
  [[nodiscard]] Table table(std::string_view key);

  // To be called last: whatever was never asked for is an unknown key.
  void finish();

  // Adds `[section] `key` text` at the key's line, or at a line within its value.
  void mistake(std::string_view key, const std::string& text) { mistake_at(line_of(key), key, text); }
  void mistake_at(std::size_t line, std::string_view key, const std::string& text);

 private:
  const TomlEntry* take(std::string_view key);
  template <typename T>
  const T* take_as(std::string_view key, std::string_view wanted);

  const TomlTable& table_;
  Origin origin_;
  Mistakes& mistakes_;
  std::vector<std::string_view> known_;  // every key asked for so far
};

}  // namespace herd::node
