#include "node/observe/log_line.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

#include "node/base/json_text.hpp"

namespace herd::node {
namespace {

using namespace std::chrono;

constexpr std::string_view kEvent = "event=";
// A line of a client, or its beginning, which may contain anything: the rest of the text.
constexpr std::array<std::string_view, 2> kLastFields{"text", "head"};
constexpr std::size_t kMostFields = 32;     // the longest event has 12
constexpr std::size_t kMostNameBytes = 32;  // the longest name has 14

// Computes the calendar itself, because gmtime_r() takes a lock.
fmt::appender append_time(fmt::appender out, system_clock::time_point precise) {
  const auto time = floor<milliseconds>(precise);
  const auto midnight = floor<days>(time);
  const year_month_day date(midnight);
  const hh_mm_ss clock(time - midnight);
  return fmt::format_to(out, "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                        static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                        clock.minutes().count(), clock.seconds().count(), clock.subseconds().count());
}

// Splits the text of an event. A value may contain spaces and quotes, so its end is found by the field after it: a
// space, a name that was not there before, and "=".
class FieldSplitter {
 public:
  explicit FieldSplitter(std::string_view text) : rest_(text) {
    for (const std::string_view reserved : {"time", "level", "node", "message"}) names_[count_++] = reserved;
  }

  struct Field {
    std::string_view name;
    std::string_view value;
  };

  // Precondition: the text begins with a name and "=". Returns the first field, and continues after it.
  Field next() {
    const std::string_view name = rest_.substr(0, rest_.find('='));
    names_[count_++] = name;
    rest_.remove_prefix(name.size() + 1);
    const bool is_last = std::find(kLastFields.begin(), kLastFields.end(), name) != kLastFields.end();
    const bool is_quoted = !is_last && rest_.starts_with('"');
    const std::size_t end = is_last ? rest_.size() : is_quoted ? end_of_quoted() : end_of_plain();
    Field field{name, rest_.substr(0, end)};
    if (is_quoted && end > 1 && field.value.ends_with('"')) field.value = field.value.substr(1, end - 2);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    return field;
  }

  [[nodiscard]] bool is_at_end() const { return rest_.empty(); }

 private:
  // Whether a field that was not there before begins at `at`.
  [[nodiscard]] bool begins_at(std::size_t at) const {
    const std::string_view text = rest_.substr(at, kMostNameBytes + 1);
    const std::string_view name = text.substr(0, std::min(text.find('='), text.size()));
    const auto is_of_name = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
    if (name.empty() || name.size() == text.size() || !std::all_of(name.begin(), name.end(), is_of_name)) return false;
    const auto known = std::span(names_).first(count_);
    return count_ < names_.size() && std::find(known.begin(), known.end(), name) == known.end();
  }

  [[nodiscard]] std::size_t end_of_plain() const {
    for (std::size_t at = rest_.find(' '); at != std::string_view::npos; at = rest_.find(' ', at + 1)) {
      if (begins_at(at + 1)) return at;
    }
    return rest_.size();
  }

  [[nodiscard]] std::size_t end_of_quoted() const {
    for (std::size_t at = rest_.find("\" ", 1); at != std::string_view::npos; at = rest_.find("\" ", at + 1)) {
      if (begins_at(at + 2)) return at + 1;
    }
    return rest_.size();
  }

  std::string_view rest_;
  std::array<std::string_view, kMostFields> names_;
  std::size_t count_ = 0;
};

fmt::appender append(fmt::appender out, std::string_view text) {
  return std::copy(text.begin(), text.end(), out);
}

// `name` needs no escapes.
void append_field(fmt::appender out, std::string_view name, std::string_view value) {
  out = append(append(append(out, ",\""), name), "\":\"");
  append_json_text(out, value);
  append(out, "\"");
}

}  // namespace

void append_text_line(fmt::appender out, const LogLine& line) {
  fmt::format_to(append_time(out, line.time), " {} {} {}\n", line.level, line.node, line.text);
}

void append_json_line(fmt::appender out, const LogLine& line) {
  append(append_time(append(out, "{\"time\":\""), line.time), "\"");
  append_field(out, "level", line.level);
  append_field(out, "node", line.node);
  if (line.text.starts_with(kEvent)) {
    FieldSplitter fields(line.text);
    while (!fields.is_at_end()) {
      const auto [name, value] = fields.next();
      append_field(out, name, value);
    }
  } else {
    append_field(out, "message", line.text);
  }
  append(out, "}\n");
}

}  // namespace herd::node
