#include "protocol/point.hpp"

#include <cstddef>
#include <optional>

#include "protocol/assert.hpp"
#include "protocol/coordinates.hpp"
#include "protocol/digits.hpp"
#include "protocol/limits.hpp"

namespace herd::protocol {
namespace {

// The form and the bound of one of the two numbers.
struct Axis {
  std::size_t digits;  // before the point, at most
  std::uint64_t degrees;
};
constexpr Axis kLatitude{2, 90};
constexpr Axis kLongitude{3, 180};

constexpr std::size_t kUnitDigits = 7;                // of the fraction
constexpr std::size_t kReadDigits = kUnitDigits + 1;  // the digit after them decides the rounding
static_assert(kPowersOfTen[kUnitDigits] == kUnitsPerDegree);

// Reads the first kReadDigits digits of the fraction, as if zeros followed the last one.
std::uint64_t first_digits(std::string_view fraction) {
  std::string_view front = fraction.substr(0, kReadDigits);
  const Digits digits = take_digits(front);
  return digits.value * kPowersOfTen[kReadDigits - digits.count];
}

// Removes a sign and a decimal from the front of `text`, and returns its value in units. Returns nullopt if its form is
// wrong, or if the decimal is above the bound.
std::optional<std::int32_t> take_units(std::string_view& text, const Axis& axis) {
  if (text.empty() || (text.front() != '+' && text.front() != '-')) return std::nullopt;
  const bool is_negative = text.front() == '-';
  text.remove_prefix(1);
  std::uint64_t degrees = 0;
  std::size_t count = 0;
  for (; count < text.size() && text[count] >= '0' && text[count] <= '9'; ++count) {
    if (count == axis.digits) return std::nullopt;
    degrees = degrees * 10 + static_cast<std::uint64_t>(text[count] - '0');
  }
  if (count == 0) return std::nullopt;
  text.remove_prefix(count);
  std::string_view fraction;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    fraction = text.substr(0, digits_length(text));
    if (fraction.empty() || fraction.size() > kMaxFractionDigits) return std::nullopt;
    text.remove_prefix(fraction.size());
  }
  if (degrees >= axis.degrees) {
    const bool is_above = degrees > axis.degrees || fraction.find_first_not_of('0') != std::string_view::npos;
    if (is_above) return std::nullopt;
  }
  const std::uint64_t units = (degrees * kPowersOfTen[kReadDigits] + first_digits(fraction) + 5) / 10;
  return is_negative ? -static_cast<std::int32_t>(units) : static_cast<std::int32_t>(units);
}

std::optional<Point> read_point(std::string_view coordinates) {
  const auto latitude = take_units(coordinates, kLatitude);
  if (!latitude) return std::nullopt;
  const auto longitude = take_units(coordinates, kLongitude);
  if (!longitude) return std::nullopt;
  if (coordinates.starts_with('/')) coordinates.remove_prefix(1);
  if (!coordinates.empty()) return std::nullopt;
  return Point{*latitude, *longitude};
}

}  // namespace

Parsed<Point> parse_point(std::string_view coordinates) {
  if (const auto point = read_point(coordinates)) return *point;
  const auto checked = check_coordinates(coordinates);
  HERD_ASSERT(!checked);
  return refuse(checked.error());
}

Point point_of(std::string_view coordinates) {
  const auto point = read_point(coordinates);
  HERD_ASSERT(point);
  return *point;
}

}  // namespace herd::protocol
