#include "node/api/phone_payload.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <utility>

#include "protocol/digits.hpp"
#include "protocol/time_text.hpp"

namespace herd::node::api {
namespace {

constexpr std::uint64_t kFirstMilliseconds = 100'000'000'000;
constexpr std::size_t kNanosecondDigits = 9;

// Seconds since 1970 and the digits of a fraction, as IAMAT takes them.
std::optional<std::string> time_text(std::int64_t seconds, std::string_view fraction) {
  if (seconds < 0) return std::nullopt;
  fraction = fraction.substr(0, kNanosecondDigits);
  while (fraction.ends_with('0')) fraction.remove_suffix(1);
  std::string text = fraction.empty() ? fmt::format("{}", seconds) : fmt::format("{}.{}", seconds, fraction);
  if (!protocol::parse_time(text)) return std::nullopt;
  return text;
}

// Removes a point and digits from the front of `text`, and returns the digits; empty if there is no point. nullopt if
// there are no digits after the point.
std::optional<std::string_view> take_fraction(std::string_view& text) {
  if (!text.starts_with('.')) return std::string_view();
  text.remove_prefix(1);
  const std::string_view digits = text.substr(0, protocol::digits_length(text));
  text.remove_prefix(digits.size());
  return digits.empty() ? std::nullopt : std::optional(digits);
}

std::optional<std::string> time_of_number(std::string_view text) {
  const protocol::Digits whole = protocol::take_digits(text);
  const auto fraction = take_fraction(text);
  if (whole.count == 0 || whole.count > protocol::kMaxExactDigits || !fraction || !text.empty()) return std::nullopt;
  if (whole.value < kFirstMilliseconds) return time_text(static_cast<std::int64_t>(whole.value), *fraction);
  return time_text(static_cast<std::int64_t>(whole.value / 1000),
                   fmt::format("{:03}{}", whole.value % 1000, *fraction));
}

// Removes exactly `count` digits from the front of `text`. nullopt if there are fewer.
std::optional<int> take_number(std::string_view& text, std::size_t count) {
  if (protocol::digits_length(text.substr(0, count)) != count) return std::nullopt;
  std::string_view digits = text.substr(0, count);
  text.remove_prefix(count);
  return static_cast<int>(protocol::take_digits(digits).value);
}

bool take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

// `Z`, `+02:00`, `-0330` or `+02`, or nothing: the seconds that the local time is ahead of UTC. A blank is the `+` of a
// form that was not encoded.
std::optional<std::int64_t> take_offset(std::string_view& text) {
  if (text.empty() || take(text, "Zz")) return 0;
  const bool is_behind = text.starts_with('-');
  if (!take(text, "+- ")) return std::nullopt;
  const auto hours = take_number(text, 2);
  take(text, ":");
  const auto minutes = text.empty() ? std::optional(0) : take_number(text, 2);
  if (!hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  const std::int64_t seconds = *hours * 3600 + *minutes * 60;
  return is_behind ? -seconds : seconds;
}

std::optional<std::string> time_of_date(std::string_view text) {
  const auto year = take_number(text, 4);
  if (!year || !take(text, "-")) return std::nullopt;
  const auto month = take_number(text, 2);
  if (!month || !take(text, "-")) return std::nullopt;
  const auto day = take_number(text, 2);
  if (!day || !take(text, "Tt +")) return std::nullopt;
  const auto hour = take_number(text, 2);
  if (!hour || !take(text, ":")) return std::nullopt;
  const auto minute = take_number(text, 2);
  const auto second = take(text, ":") ? take_number(text, 2) : std::optional(0);
  if (!minute || !second || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  const auto fraction = take_fraction(text);
  const auto offset = fraction ? take_offset(text) : std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!offset || !text.empty() || !date.ok()) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return time_text(days * 86'400 + *hour * 3600 + *minute * 60 + *second - *offset, *fraction);
}

}  // namespace

std::optional<std::string> phone_time(std::string_view text) {
  return text.size() > 4 && text[4] == '-' ? time_of_date(text) : time_of_number(text);
}

std::optional<double> phone_number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(number)) return std::nullopt;
  return number;
}

void add_position(PhonePayload& payload, PhonePosition position) {
  const auto drop = [&](PhoneResult result, std::string_view reason) { payload.dropped.push_back({result, reason}); };
  if (!position.latitude || !position.longitude) {
    return drop(PhoneResult::NoPosition, "it has no latitude and longitude that are numbers");
  }
  const double latitude = *position.latitude;
  const double longitude = *position.longitude;
  // Written so that NaN is out of range.
  if (!(latitude >= -90 && latitude <= 90 && longitude >= -180 && longitude <= 180)) {
    return drop(PhoneResult::Invalid,
                "its latitude is not within -90 and 90, or its longitude not within -180 and 180");
  }
  const auto at = position.time ? protocol::parse_time(*position.time) : protocol::refuse("");
  if (!at) return drop(PhoneResult::Invalid, "its time is missing, malformed, or not between 1970 and 2262");
  payload.reports.push_back(
      {std::move(position.id), fmt::format("{:+.7f}{:+.7f}", latitude, longitude), std::move(*position.time), *at});
}

void sort_reports(PhonePayload& payload) {
  std::stable_sort(payload.reports.begin(), payload.reports.end(),
                   [](const PhoneReport& one, const PhoneReport& other) { return one.at < other.at; });
}

}  // namespace herd::node::api
