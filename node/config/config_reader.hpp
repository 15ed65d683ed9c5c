// Typed reading of a configuration. Each key is read by its name into a variable that contains its default; a wrong
// value becomes a mistake with its line. Reading continues after a mistake, so that all mistakes are reported at once.
// Used by load_config() only.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "node/config/toml_file.hpp"
#include "protocol/result.hpp"

namespace herd::node {

// Collects the mistakes of a file.
class Mistakes {
 public:
  void add(std::size_t line, std::string text) { all_.push_back({line, std::move(text)}); }
  [[nodiscard]] bool empty() const { return all_.empty(); }

  // Returns one line for each mistake, `FILE:LINE: text`, sorted by line.
  [[nodiscard]] protocol::Error in(const std::filesystem::path& file) const;

 private:
  std::vector<Mistake> all_;
};

// Returns the entry of `known` that is nearest to a misspelt `word`, at an edit distance of at most 2; empty if there
// is none.
[[nodiscard]] std::string_view nearest(std::string_view word, std::span<const std::string_view> known);

// Returns ` (did you mean "..."?)` with the nearest entry, or an empty text if there is none.
[[nodiscard]] std::string did_you_mean(std::string_view word, std::span<const std::string_view> known);

// A text and its line.
struct Placed {
  std::string text;
  std::size_t line = 0;
};

// A word of the file, and its value of an enum.
template <typename T>
struct Choice {
  std::string_view word;
  T value;
};

template <typename T>
struct Range {
  T least;
  T most;  // included
};

// One table of the file. It refers to the table and to the mistakes; both must outlive it.
class Section {
 public:
  struct Origin {
    std::string name;  // as in mistakes: "[clients]"
    std::size_t line = 0;
  };

  Section(const TomlTable& table, Origin origin, Mistakes& mistakes)
      : table_(table), origin_(std::move(origin)), mistakes_(mistakes) {}

  [[nodiscard]] std::size_t line() const { return origin_.line; }
  // The line of the key; if the key is absent, the first line of the table.
  [[nodiscard]] std::size_t line_of(std::string_view key) const;
  [[nodiscard]] bool has(std::string_view key) const;

  // Read the value of `key` into `into` and return true. If the key is absent they return false and leave `into`
  // unchanged; if the value is wrong they also add a mistake. Durations are in the range's unit, milliseconds.
  bool read(std::string_view key, bool& into);
  bool read(std::string_view key, std::string& into);
  bool read(std::string_view key, Range<std::size_t> range, std::size_t& into);
  bool read(std::string_view key, Range<std::chrono::milliseconds> range, std::chrono::milliseconds& into);
  bool read(std::string_view key, std::vector<Placed>& into);
  bool read_one_of(std::string_view key, std::span<const std::string_view> known, std::string& into);
  template <typename T, std::size_t Count>
  bool read_one_of(std::string_view key, const std::array<Choice<T>, Count>& choices, T& into);

  // The same, but an absent key is a mistake.
  bool require(std::string_view key, std::string& into);

  // Returns the tables of [[key]], in the order of the file.
  struct Table {
    const TomlTable* table = nullptr;
    std::size_t line = 0;
  };
  [[nodiscard]] std::vector<Table> tables(std::string_view key);
  // Returns the table [key]; an empty table if it is absent.
  [[nodiscard]] Table table(std::string_view key);

  // Adds a mistake for each key that was never read: it is unknown. Call it last.
  void finish();

  // Add the mistake `[section] `key` text`, at the line of the key or at a given line within its value.
  void mistake(std::string_view key, const std::string& text) { mistake_at(line_of(key), key, text); }
  void mistake_at(std::size_t line, std::string_view key, const std::string& text);

 private:
  const TomlEntry* take(std::string_view key);
  template <typename T>
  const T* take_as(std::string_view key, std::string_view wanted);

  const TomlTable& table_;
  Origin origin_;
  Mistakes& mistakes_;
  std::vector<std::string_view> known_;  // the keys that were read
};

template <typename T, std::size_t Count>
bool Section::read_one_of(std::string_view key, const std::array<Choice<T>, Count>& choices, T& into) {
  std::array<std::string_view, Count> words;
  std::transform(choices.begin(), choices.end(), words.begin(), [](const Choice<T>& choice) { return choice.word; });
  std::string word;
  if (!read_one_of(key, std::span<const std::string_view>(words), word)) return false;
  for (const Choice<T>& choice : choices) {
    if (choice.word == word) into = choice.value;
  }
  return true;
}

}  // namespace herd::node
