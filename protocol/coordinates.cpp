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

// The fraction digits that the double of a coordinate includes. 1e-15 degrees are 0.1 nm on the ground, less than the
// resolution of a double above eight degrees.
constexpr std::size_t kDigitsOfDouble = 15;
static_assert(kLongitudeDigits + kDigitsOfDouble <= kMaxExactDigits, "the digits of a double must fit one integer");

struct Angle {
  bool negative = false;
  Digits whole;
  bool point = false;         // there is a point, with or without digits after it
  std::string_view fraction;  // the digits after the point

  [[nodiscard]] bool has_form(std::size_t max_whole) const {
    return whole.count >= 1 && whole.count <= max_whole && (!fraction.empty()) == point &&
           fraction.size() <= kMaxFractionDigits;
  }

  // Compares the digits, because 30 of them fit neither an integer nor a double.
  [[nodiscard]] bool is_above(std::uint64_t bound) const {
    return whole.value > bound || (whole.value == bound && fraction.find_first_not_of('0') != std::string_view::npos);
  }

  // In degrees. Requires has_form().
  [[nodiscard]] double value() const {
    std::string_view digits = fraction.substr(0, kDigitsOfDouble);
    const double degrees = Decimal{whole, take_digits(digits), point}.as_double();
    return negative ? -degrees : degrees;
  }
};

// Removes a sign and a decimal from the front of `text`. Returns nullopt if there is no sign.
std::optional<Angle> take_angle(std::string_view& text) {
  if (text.empty() || (text.front() != '+' && text.front() != '-')) {
    return std::nullopt;
  }
  Angle angle;
  angle.negative = text.front() == '-';
  text.remove_prefix(1);
  angle.whole = take_digits(text);
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    angle.point = true;
    angle.fraction = text.substr(0, digits_length(text));
    text.remove_prefix(angle.fraction.size());
  }
  return angle;
}

struct Angles {
  Angle latitude;
  Angle longitude;
};

// ISO 6709 allows a solidus at the end of a position.
void skip_solidus(std::string_view& text) {
  if (text.starts_with('/')) text.remove_prefix(1);
}

Parsed<Angles> take_angles(std::string_view& text) {
  static_assert(kMaxFractionDigits == 30, "the reasons below contain this number");
  const auto latitude = take_angle(text);
  if (!latitude || !latitude->has_form(kLatitudeDigits)) {
    return refuse("latitude is not a sign, one or two digits and at most 30 fraction digits, as in +34.07-118.44");
  }
  const auto longitude = take_angle(text);
  if (!longitude || !longitude->has_form(kLongitudeDigits)) {
    return refuse("longitude is not a sign, one to three digits and at most 30 fraction digits, as in +34.07-118.44");
  }
  skip_solidus(text);
  return Angles{*latitude, *longitude};
}

bool is_in_range(const Angles& angles) {
  return !angles.latitude.is_above(kMaxLatitude) && !angles.longitude.is_above(kMaxLongitude);
}

// The fast path: skips a valid angle if its whole degrees are below the bound, so that its fraction need not be
// compared, and if it is not at the very end of the text. Returns false for any other angle, which take_angles()
// parses.
bool skip_angle(std::string_view& text, std::size_t max_digits, std::uint64_t bound) {
  if (text.size() < max_digits + 2) return false;  // the sign, the digits, and a byte after them
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
    return refuse("coordinates are followed by other characters");
  }
  if (angles && !is_in_range(*angles)) {
    return refuse(angles->latitude.is_above(kMaxLatitude) ? "latitude is not within -90 and +90"
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

bool has_form_of_coordinates(std::string_view text) {
  return take_angles(text) && text.empty();
}

bool take_coordinates(std::string_view& text) {
  std::string_view rest = text;
  if (skip_angle(rest, kLatitudeDigits, kMaxLatitude) && skip_angle(rest, kLongitudeDigits, kMaxLongitude)) {
    skip_solidus(rest);
    text = rest;
    return true;
  }
  const auto angles = take_angles(text);
  return angles && is_in_range(*angles);
}

}  // namespace herd::protocol
