#include "protocol/query_operands.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <system_error>

#include "protocol/coordinates.hpp"
#include "protocol/digits.hpp"
#include "protocol/point.hpp"

namespace herd::protocol {
namespace {

constexpr std::size_t kDecimalDigits = 9;  // on either side of the point
constexpr std::size_t kMaxLinesDigits = 4;
constexpr std::chrono::seconds kLeastBeat{5};
constexpr std::chrono::seconds kMostBeat{3600};

std::optional<Decimal> read_decimal(std::string_view text) {
  const Decimal decimal = take_decimal(text);
  if (!text.empty() || !decimal.has_form(kDecimalDigits, kDecimalDigits)) return std::nullopt;
  return decimal;
}

// The fraction in units of 1e-9.
std::uint64_t billionths(const Decimal& decimal) {
  return decimal.fraction.value * kPowersOfTen[kDecimalDigits - decimal.fraction.count];
}

bool is_letter_or_digit(char byte) {
  return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
}

// Reads the whole text as an unsigned integer of 64 bits.
std::optional<std::uint64_t> read_integer(std::string_view text, int base) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value, base);
  if (error != std::errc() || at != end) return std::nullopt;
  return value;
}

}  // namespace

Parsed<std::string_view> parse_client(std::string_view text) {
  if (text.size() > kMaxClientBytes) return refuse(kClientTooLong);
  return text;
}

Parsed<Centre> parse_centre(std::string_view text) {
  if (has_form_of_coordinates(text)) {
    const auto point = parse_point(text);
    if (!point) return refuse(point.error());
    return Centre{{}, *point};
  }
  const auto client = parse_client(text);
  if (!client) return refuse(client.error());
  return Centre{*client, {}};
}

Parsed<Box> make_box(Point south_west, Point north_east) {
  if (south_west.latitude > north_east.latitude) {
    return refuse("south of the box is above its north: the first corner is the south-western one");
  }
  return Box{south_west, north_east};
}

Parsed<Millimetres> parse_km(std::string_view text) {
  static_assert(kMaxQueryKm == 20'016, "the reasons below contain this number");
  const auto decimal = read_decimal(text);
  if (!decimal) {
    return refuse(
        "kilometres are not a number from 0 to 20016 without a sign, with at most nine digits on either side of the "
        "point");
  }
  if (decimal->is_above(kMaxQueryKm)) {
    return refuse("kilometres are not within 0 and 20016");
  }
  constexpr std::uint64_t kBillionthsPerMillimetre = 1000;
  const std::uint64_t rest = (billionths(*decimal) + kBillionthsPerMillimetre / 2) / kBillionthsPerMillimetre;
  return static_cast<Millimetres>(decimal->whole.value) * kMillimetresPerKm + static_cast<Millimetres>(rest);
}

Parsed<int> parse_max_lines(std::string_view text) {
  static_assert(kMaxQueryLines == 1000, "the reasons below contain this number");
  const Digits max = take_digits(text);
  if (!text.empty() || max.count < 1 || max.count > kMaxLinesDigits) {
    return refuse("number of clients is not one to four digits");
  }
  if (max.value > kMaxQueryLines) {
    return refuse("number of clients is not within 0 and 1000");
  }
  return static_cast<int>(max.value);
}

Parsed<Nanoseconds> parse_seconds(std::string_view text) {
  const auto decimal = read_decimal(text);
  if (!decimal) {
    return refuse("seconds are not a number without a sign, with at most nine digits on either side of the point");
  }
  return std::chrono::seconds(decimal->whole.value) + Nanoseconds(billionths(*decimal));
}

Parsed<Nanoseconds> parse_beat(std::string_view text) {
  const auto seconds = parse_seconds(text);
  if (seconds && (*seconds < kLeastBeat || *seconds > kMostBeat)) {
    return refuse("beat is not within 5 and 3600 seconds");
  }
  return seconds;
}

Parsed<std::string_view> parse_prefix(std::string_view text) {
  if (!text.ends_with('*')) return refuse("match does not end with *");
  text.remove_suffix(1);
  return parse_client(text);
}

Parsed<WatchedClients> parse_watched_clients(std::string_view text) {
  const bool is_prefix = text.ends_with('*');
  const auto id = is_prefix ? parse_prefix(text) : parse_client(text);
  if (!id) return refuse(id.error());
  return WatchedClients{*id, is_prefix};
}

Parsed<std::string_view> parse_cursor(std::string_view text) {
  const auto is_allowed = [](char byte) { return is_letter_or_digit(byte) || byte == '_' || byte == '-'; };
  if (text.empty() || text.size() > kMaxCursorBytes || !std::all_of(text.begin(), text.end(), is_allowed)) {
    return refuse("after is not a cursor from the END line of an earlier answer");
  }
  return text;
}

Parsed<std::string_view> parse_tag(std::string_view text) {
  static_assert(kMaxTagBytes == 32, "the reason contains this number");
  const auto is_allowed = [](char byte) {
    return is_letter_or_digit(byte) || byte == '_' || byte == '.' || byte == '-';
  };
  if (text.empty() || text.size() > kMaxTagBytes || !std::all_of(text.begin(), text.end(), is_allowed)) {
    return refuse("tag is not 1 to 32 letters, digits, _, . or -");
  }
  return text;
}

Parsed<ResumeFrom> parse_resume_from(std::string_view text) {
  constexpr std::size_t kFeedDigits = 16;
  constexpr std::string_view kReason = "from is not a feed of 16 hexadecimal digits, a colon and a change number";
  const std::string_view feed_text = text.substr(0, kFeedDigits);
  if (text.size() <= kFeedDigits || text[kFeedDigits] != ':') return refuse(kReason);
  if (feed_text.find_first_not_of("0123456789abcdef") != std::string_view::npos) return refuse(kReason);
  const auto feed = read_integer(feed_text, 16);
  const auto number = read_integer(text.substr(kFeedDigits + 1), 10);
  if (!feed || !number) return refuse(kReason);
  return ResumeFrom{*feed, *number};
}

}  // namespace herd::protocol
