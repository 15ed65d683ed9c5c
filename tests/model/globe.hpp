// The globe of the model: positions, distances and bearings as docs/PROTOCOL.md defines them, computed in long double
// with formulas of its own. Where the page leaves a node a margin, such as 0.01 mm before rounding, a range or a
// predicate accepts all that the margin permits. Plain and slow; for tests only.
#pragma once

#include <cstdint>
#include <string_view>

namespace herd::model {

// Coordinates rounded to 7 fraction digits, half away from zero, with the unit vector that they give.
struct Point {
  std::int64_t latitude = 0;   // in 1e-7 degrees
  std::int64_t longitude = 0;  // in 1e-7 degrees
  long double x = 1, y = 0, z = 0;
};

struct Box {
  Point south_west;
  Point north_east;
};

// The whole millimetres that a node may compute for one distance: one number, or two where the exact distance lies
// within 0.01 mm of a border of rounding.
struct Range {
  std::int64_t low = 0;
  std::int64_t high = 0;
};

// Whether the text has the form of coordinates (ISO 6709), whatever their range.
[[nodiscard]] bool is_coordinates(std::string_view text);

// Throws Fault if the text is not coordinates.
[[nodiscard]] Point point_of(std::string_view coordinates);

[[nodiscard]] Range distance(const Point& a, const Point& b);

// Whether `text` is a distance in this range, printed in kilometres with three decimals.
[[nodiscard]] bool is_km(std::string_view text, Range range);

// Whether `text` is the initial bearing, three digits. Two are right within 0.0001 degrees of a border of rounding.
[[nodiscard]] bool is_bearing(std::string_view text, const Point& from, const Point& to);

[[nodiscard]] bool is_inside(const Point& point, const Box& box);

}  // namespace herd::model
