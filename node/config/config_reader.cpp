#include "node/config/config_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <numeric>
#include <optional>

namespace herd::node {
namespace {

using std::chrono::milliseconds;

struct Words {
  std::string_view left;
  std::string_view right;
};

// The Levenshtein distance: the number of letters to insert, delete or replace.
std::size_t edit_distance(Words words) {
  std::vector<std::size_t> row(words.right.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < words.left.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < words.right.size(); ++j) {
      const std::size_t replaced = diagonal + (words.left[i] == words.right[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, diagonal + 1, row[j] + 1});
    }
  }
  return row.back();
}

struct TypeName {
  std::string_view operator()(bool) const { return "a boolean"; }
  std::string_view operator()(std::int64_t) const { return "an integer"; }
  std::string_view operator()(double) const { return "a number with a fraction"; }
  std::string_view operator()(const std::string&) const { return "a string"; }
  std::string_view operator()(TomlDate) const { return "a date or time"; }
  std::string_view operator()(const TomlArray&) const { return "a list"; }
  std::string_view operator()(const TomlTable&) const { return "a table"; }
};

// "300s", "5ms", "2m", "1h": digits and one unit.
std::optional<milliseconds> parse_duration(std::string_view text) {
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{} || count < 0) return std::nullopt;
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  std::int64_t factor = 0;
  if (unit == "ms") factor = 1;
  if (unit == "s") factor = 1'000;
  if (unit == "m") factor = 60'000;
  if (unit == "h") factor = 3'600'000;
  if (factor == 0 || count > std::numeric_limits<std::int64_t>::max() / factor) return std::nullopt;
  return milliseconds(count * factor);
}

// Uses the largest unit in which the number is whole.
std::string format_duration(milliseconds value) {
  const auto count = value.count();
  if (count % 3'600'000 == 0 && count > 0) return fmt::format("{}h", count / 3'600'000);
  if (count % 60'000 == 0 && count > 0) return fmt::format("{}m", count / 60'000);
  if (count % 1'000 == 0) return fmt::format("{}s", count / 1'000);
  return fmt::format("{}ms", count);
}

}  // namespace

protocol::Error Mistakes::in(const std::filesystem::path& file) const {
  auto sorted = all_;
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.line < b.line; });
  std::string text;
  for (const auto& mistake : sorted) {
    text += fmt::format("{}{}:{}: {}", text.empty() ? "" : "\n", file.string(), mistake.line, mistake.text);
  }
  return {text};
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> known) {
  std::string_view best;
  std::size_t least = 3;
  for (const auto candidate : known) {
    const auto distance = edit_distance({word, candidate});
    // Less than half of the letters may differ: otherwise short words would match almost every word.
    if (distance < least && distance * 2 < std::max(word.size(), candidate.size())) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> known) {
  const auto meant = nearest(word, known);
  return meant.empty() ? "" : fmt::format(" (did you mean \"{}\"?)", meant);
}

const TomlEntry* Section::take(std::string_view key) {
  known_.push_back(key);
  const auto found = std::find_if(table_.begin(), table_.end(), [&](const auto& entry) { return entry.key == key; });
  return found == table_.end() ? nullptr : &*found;
}

template <typename T>
const T* Section::take_as(std::string_view key, std::string_view wanted) {
  const auto* entry = take(key);
  if (entry == nullptr) return nullptr;
  if (const auto* value = std::get_if<T>(&entry->value.content)) return value;
  mistake(key, fmt::format("is {}: write {}", std::visit(TypeName{}, entry->value.content), wanted));
  return nullptr;
}

std::size_t Section::line_of(std::string_view key) const {
  for (const auto& entry : table_) {
    if (entry.key == key) return entry.line;
  }
  return origin_.line;
}

bool Section::has(std::string_view key) const {
  return std::any_of(table_.begin(), table_.end(), [&](const auto& entry) { return entry.key == key; });
}

void Section::mistake_at(std::size_t line, std::string_view key, const std::string& text) {
  mistakes_.add(line, fmt::format("{} `{}` {}", origin_.name, key, text));
}

bool Section::read(std::string_view key, bool& into) {
  const auto* value = take_as<bool>(key, "true or false");
  if (value != nullptr) into = *value;
  return value != nullptr;
}

bool Section::read(std::string_view key, std::string& into) {
  const auto* value = take_as<std::string>(key, "a string, \"...\"");
  if (value != nullptr) into = *value;
  return value != nullptr;
}

bool Section::read(std::string_view key, Range<std::size_t> range, std::size_t& into) {
  const auto* value = take_as<std::int64_t>(key, "an integer");
  if (value == nullptr) return false;
  if (*value < 0 || static_cast<std::uint64_t>(*value) < range.least ||
      static_cast<std::uint64_t>(*value) > range.most) {
    mistake(key, fmt::format("is {}: write a number from {} to {}", *value, range.least, range.most));
    return false;
  }
  into = static_cast<std::size_t>(*value);
  return true;
}

bool Section::read(std::string_view key, Range<milliseconds> range, milliseconds& into) {
  const auto* value = take_as<std::string>(key, R"(a duration, such as "300s", "5ms" or "2m")");
  if (value == nullptr) return false;
  const auto duration = parse_duration(*value);
  if (!duration) {
    mistake(key,
            fmt::format(R"(is "{}", which is not a duration: write a whole number and ms, s, m or h, such as "300s")",
                        *value));
    return false;
  }
  if (*duration < range.least || *duration > range.most) {
    mistake(key, fmt::format("is {}: write a duration from {} to {}", *value, format_duration(range.least),
                             format_duration(range.most)));
    return false;
  }
  into = *duration;
  return true;
}

bool Section::read(std::string_view key, std::vector<Placed>& into) {
  const auto* values = take_as<TomlArray>(key, R"(a list of strings, ["...", "..."])");
  if (values == nullptr) return false;
  std::vector<Placed> texts;
  for (const auto& value : *values) {
    if (const auto* text = std::get_if<std::string>(&value.content)) {
      texts.push_back({*text, value.line});
    } else {
      mistakes_.add(value.line, fmt::format("{} `{}` contains {}: write strings, [\"...\", \"...\"]", origin_.name, key,
                                            std::visit(TypeName{}, value.content)));
    }
  }
  into = std::move(texts);
  return true;
}

bool Section::read_one_of(std::string_view key, std::span<const std::string_view> known, std::string& into) {
  std::string value;
  if (!read(key, value)) return false;
  if (std::find(known.begin(), known.end(), value) == known.end()) {
    mistake(key, fmt::format("is \"{}\"{}: write one of \"{}\"", value, did_you_mean(value, known),
                             fmt::join(known, "\", \"")));
    return false;
  }
  into = std::move(value);
  return true;
}

bool Section::require(std::string_view key, std::string& into) {
  if (!has(key)) {
    known_.push_back(key);
    mistakes_.add(origin_.line, fmt::format("{} has no `{}`: add it", origin_.name, key));
    return false;
  }
  return read(key, into);
}

std::vector<Section::Table> Section::tables(std::string_view key) {
  const auto* entry = take(key);
  if (entry == nullptr) return {};
  const auto* array = std::get_if<TomlArray>(&entry->value.content);
  if (array == nullptr) {
    mistakes_.add(entry->line, fmt::format("`{0}` is {1}: write [[{0}]], once for each {0}", key,
                                           std::visit(TypeName{}, entry->value.content)));
    return {};
  }
  std::vector<Table> found;
  for (const auto& value : *array) {
    if (const auto* table = std::get_if<TomlTable>(&value.content)) {
      found.push_back({table, value.line});
    } else {
      mistakes_.add(value.line, fmt::format("`{0}` contains {1}: write [[{0}]], once for each {0}", key,
                                            std::visit(TypeName{}, value.content)));
    }
  }
  return found;
}

Section::Table Section::table(std::string_view key) {
  static const TomlTable none;
  const auto* entry = take(key);
  if (entry == nullptr) return {&none, origin_.line};
  if (const auto* table = std::get_if<TomlTable>(&entry->value.content)) return {table, entry->line};
  mistakes_.add(entry->line, fmt::format("`{}` is {}: write a section, [{}]", key,
                                         std::visit(TypeName{}, entry->value.content), key));
  return {&none, entry->line};
}

void Section::finish() {
  for (const auto& entry : table_) {
    if (std::find(known_.begin(), known_.end(), entry.key) != known_.end()) continue;
    const bool section = std::holds_alternative<TomlTable>(entry.value.content) && origin_.name.empty();
    const std::string unknown =
        section ? fmt::format("unknown section [{}]", entry.key)
                : fmt::format("{}{}unknown key `{}`", origin_.name, origin_.name.empty() ? "" : " ", entry.key);
    const std::string guess = did_you_mean(entry.key, known_);
    mistakes_.add(entry.line, guess.empty() ? fmt::format("{}: remove it (known: {})", unknown, fmt::join(known_, ", "))
                                            : unknown + guess);
  }
}

}  // namespace herd::node
