#include "protocol/coordinates.hpp"

#include <optional>

#include "protocol/digits.hpp"
#include "protocol/limits.hpp"

namespace herd::protocol {
namespace {

constexpr std::size_t kLatitudeDigits = 2;
constexpr std::size_t kLongitudeDigits = 3;
constexpr std::uint64_t kMaxLatitude = 90;
constexpr std::uint64_t kMaxLongitude = 180;

static_assert(kLongitudeDigits + kMaxFractionDigits <= kMaxExactDigits,
              "a coordinate's digits must fit one integer on the way to its double");

struct Angle {
  bool negative = false;
  Decimal degrees;

  [[nodiscard]] double value() const { return negative ? -degrees.as_double() : degrees.as_double(); }
};

// Takes a sign and a decimal from the front of `text`; nothing without a sign.
std::optional<Angle> take_angle(std::string_view& text) {
  if (text.empty() || (text.front() != '+' && text.front() != '-')) {
    return std::nullopt;
  }
  Angle angle;
  angle.negative = text.front() == '-';
  text.remove_prefix(1);
  angle.degrees = take_decimal(text);
  return angle;
}

struct Angles {
  Angle latitude;
  Angle longitude;
};

Parsed<Angles> take_angles(std::string_view& text) {
  const auto latitude = take_angle(text);
  if (!latitude || !latitude->degrees.has_form(kLatitudeDigits, kMaxFractionDigits)) {
    return refuse("latitude is not a sign, one or two digits and at most 15 fraction digits");
  }
  const auto longitude = take_angle(text);
  if (!longitude || !longitude->degrees.has_form(kLongitudeDigits, kMaxFractionDigits)) {
    return refuse("longitude is not a sign, one to three digits and at most 15 fraction digits");
  }
  return Angles{*latitude, *longitude};
}

bool is_in_range(const Angles& angles) {
  return !angles.latitude.degrees.is_above(kMaxLatitude) && !angles.longitude.degrees.is_above(kMaxLongitude);
}

// Skips an angle whose whole degrees are below the bound, so that the value of its fraction does not matter, and that
// is not at the very end of the text. False for any other, which take_angles() judges.
bool skip_angle(std::string_view& text, std::size_t max_digits, std::uint64_t bound) {
  if (text.size() < max_digits + 2) return false;  // a sign, and a byte behind the digits
  const char* at = text.data();
  if (*at != '+' && *at != '-') return false;
  const auto digit = [](char byte) { return static_cast<std::uint64_t>(byte) - '0'; };
  const char* const whole = ++at;
  std::uint64_t degrees = 0;
  for (const char* const last = whole + max_digits; at != last && digit(*at) <= 9; ++at) {
    degrees = degrees * 10 + digit(*at);
  }
  if (at == whole || degrees >= bound || digit(*at) <= 9) return false;
  const char* const end = text.data() + text.size();
  if (*at == '.') {
    ++at;
    const std::size_t fraction = digits_length({at, static_cast<std::size_t>(end - at)});
    if (fraction < 1 || fraction > kMaxFractionDigits) return false;
    at += fraction;
  }
  text = {at, static_cast<std::size_t>(end - at)};
  return true;
}

Parsed<Angles> parse_angles(std::string_view text) {
  auto angles = take_angles(text);
  if (angles && !text.empty()) {
    return refuse("coordinates are followed by something else");
  }
  if (angles && !is_in_range(*angles)) {
    return refuse(angles->latitude.degrees.is_above(kMaxLatitude) ? "latitude is not within -90 and +90"
                                                                  : "longitude is not within -180 and +180");
  }
  return angles;
}

}  // namespace

Parsed<Position> parse_coordinates(std::string_view text) {
  const auto angles = parse_angles(text);
  if (!angles) {
    return refuse(angles.error());
  }
  return Position{angles->latitude.value(), angles->longitude.value()};
}

Parsed<void> check_coordinates(std::string_view text) {
  std::string_view rest = text;
  if (take_coordinates(rest) && rest.empty()) return {};
  const auto angles = parse_angles(text);
  return angles ? Parsed<void>() : refuse(angles.error());
}

bool take_coordinates(std::string_view& text) {
  std::string_view rest = text;
  if (skip_angle(rest, kLatitudeDigits, kMaxLatitude) && skip_angle(rest, kLongitudeDigits, kMaxLongitude)) {
    text = rest;
    return true;
  }
  const auto angles = take_angles(text);
  return angles && is_in_range(*angles);
}

}  // namespace herd::protocol
