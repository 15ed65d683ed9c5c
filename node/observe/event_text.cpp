#include "node/observe/event_text.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <iterator>

#include "node/base/json_text.hpp"

namespace herd::node {
namespace {

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
  void operator()(std::string_view value) const { append_json_string(out, value); }
};

}  // namespace

void append_field(std::string& out, const Field& field) {
  append_json_string(out, field.name);
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
