// A point on the globe, for queries and watches: coordinates rounded to 7 fraction digits of a degree (1.1 cm). All
// nodes judge by these integers, never by the text or by doubles, so equal stores give equal answers. Pure; any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "protocol/parsed.hpp"

namespace herd::protocol {

// In units of 1e-7 degrees: latitude in [-900000000, 900000000], longitude in [-1800000000, 1800000000]. +180 and -180
// degrees are one meridian, and at a pole the longitude has no meaning; a Point keeps both as they were written.
struct Point {
  std::int32_t latitude = 0;
  std::int32_t longitude = 0;
  bool operator==(const Point&) const = default;
};

inline constexpr std::int32_t kUnitsPerDegree = 10'000'000;
inline constexpr std::int32_t kMaxLatitude = 90 * kUnitsPerDegree;
inline constexpr std::int32_t kMaxLongitude = 180 * kUnitsPerDegree;

// Parses coordinates by the rules of parse_coordinates(), and rounds each number half away from zero, by its digits.
[[nodiscard]] Parsed<Point> parse_point(std::string_view coordinates);

// The same for coordinates that were checked before, such as those of a record. Other texts fail an assertion.
[[nodiscard]] Point point_of(std::string_view coordinates);

}  // namespace herd::protocol
