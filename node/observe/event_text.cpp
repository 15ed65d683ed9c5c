#include "node/observe/event_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>

namespace herd::node {
namespace {

bool needs_no_escape(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char byte) { return byte >= ' ' && byte < 0x7f && byte != '"' && byte != '\\'; });
}

// Escapes U+0080 to U+009F as \u0080 to \u009f. Many terminals obey them (U+009B is ESC [), and viewers print what they
// receive. JSON allows them unescaped, so the library does not escape them. `text` must be valid UTF-8.
void escape_c1(std::string& text) {
  for (std::size_t at = text.find('\xc2'); at != std::string::npos; at = text.find('\xc2', at + 1)) {
    const auto second = static_cast<unsigned char>(text[at + 1]);  // exists, because the text is UTF-8
    if (second < 0xa0) text.replace(at, 2, fmt::format("\\u{:04x}", second));
  }
}

// Names, coordinates and times rarely need escapes. Writing them directly is three times as fast as using the library.
void append_text(std::string& out, std::string_view text) {
  if (needs_no_escape(text)) {
    out.append(1, '"').append(text).append(1, '"');
  } else {
    using Json = nlohmann::json;
    std::string escaped = Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
    escape_c1(escaped);
    out += escaped;
  }
}

struct ValueWriter {
  std::string& out;

  void operator()(bool value) const { out += value ? "true" : "false"; }
  void operator()(std::int64_t value) const { fmt::format_to(std::back_inserter(out), "{}", value); }
  void operator()(std::uint64_t value) const { fmt::format_to(std::back_inserter(out), "{}", value); }
  void operator()(double value) const {
    if (!std::isfinite(value)) {
      out += "null";
    } else {
      fmt::format_to(std::back_inserter(out), "{}", value);
    }
  }
  void operator()(std::string_view value) const { append_text(out, value); }
};

}  // namespace

void append_field(std::string& out, const Field& field) {
  append_text(out, field.name);
  out += ':';
  std::visit(ValueWriter{out}, field.value);
}

std::string utc_text(protocol::Nanoseconds wall) {
  using namespace std::chrono;
  const auto since_epoch = floor<microseconds>(wall);
  const auto day = floor<days>(since_epoch);
  const year_month_day date{sys_days(day)};
  const hh_mm_ss time{since_epoch - day};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", int(date.year()), unsigned(date.month()),
                     unsigned(date.day()), time.hours().count(), time.minutes().count(), time.seconds().count(),
                     time.subseconds().count());
}

}  // namespace herd::node
