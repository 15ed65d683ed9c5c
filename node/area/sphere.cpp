#include "node/area/sphere.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <numbers>

#include "protocol/assert.hpp"

// A compiler that joins a * b + c to one instruction rounds once instead of twice. node/CMakeLists.txt forbids it for
// this file with -ffp-contract=off.
namespace herd::node::area {
namespace {

using protocol::Millimetres;
using protocol::Point;

// Angles are integers until they are an argument of a sine or cosine: differences, complements and the reduction to
// 45 degrees are exact. The unit is half of the unit of a Point, because formulas need halves of angles.
using HalfUnits = std::int64_t;
constexpr HalfUnits kRightAngle = HalfUnits{2} * protocol::kMaxLatitude;
constexpr HalfUnits kHalfTurn = 2 * kRightAngle;
constexpr double kRadiansPerHalfUnit = std::numbers::pi / static_cast<double>(kHalfTurn);

// Taylor's series up to 45 degrees. The first term left out is below 5e-17 of the sine, and below 3e-18 for the cosine.
double sine_series(double x) {
  const double y = x * x;
  const double high = -1.0 / 39916800 + y * (1.0 / 6227020800 - y * (1.0 / 1307674368000));
  const double middle = -1.0 / 5040 + y * (1.0 / 362880);
  const double low = -1.0 / 6 + y * (1.0 / 120);
  const double z = y * y;
  return x + x * y * (low + z * (middle + z * high));
}
double cosine_series(double x) {
  const double y = x * x;
  const double high = -1.0 / 3628800 + y * (1.0 / 479001600 + y * (-1.0 / 87178291200 + y * (1.0 / 20922789888000)));
  const double middle = -1.0 / 720 + y * (1.0 / 40320);
  const double low = -0.5 + y * (1.0 / 24);
  const double z = y * y;
  return 1 + y * (low + z * (middle + z * high));
}

// The sine of an angle from 0 to a right angle. Exactly 0 and 1 at the ends.
double sine(HalfUnits angle) {
  const bool is_low = angle <= kRightAngle / 2;
  const double x = static_cast<double>(is_low ? angle : kRightAngle - angle) * kRadiansPerHalfUnit;
  return is_low ? sine_series(x) : cosine_series(x);
}

double cosine_of_latitude(std::int32_t latitude) {
  return sine(kRightAngle - 2 * std::abs(HalfUnits{latitude}));
}

double sine_of_latitude(std::int32_t latitude) {
  const double magnitude = sine(2 * std::abs(HalfUnits{latitude}));
  return latitude < 0 ? -magnitude : magnitude;
}

// Half of the difference of two longitudes, between 0 and a right angle: the shorter way round.
HalfUnits half_longitudes(Point a, Point b) {
  const HalfUnits way = std::abs(HalfUnits{a.longitude} - b.longitude);
  return way <= kRightAngle ? way : kHalfTurn - way;
}

double squared(double x) {
  return x * x;
}

// For r up to 1/16. The first term left out is below 2e-18.
constexpr double arc_tangent_series(double r) {
  const double y = r * r;
  return r - r * y * (1.0 / 3 - y * (1.0 / 5 - y * (1.0 / 7 - y * (1.0 / 9 - y * (1.0 / 11 - y * (1.0 / 13))))));
}

// The arc tangents of 0/16 to 16/16, each from the one before by the formula for the difference of two.
constexpr int kSteps = 16;
constexpr std::array<double, kSteps + 1> kArcTangents = [] {
  std::array<double, kSteps + 1> table{};
  for (int i = 1; i <= kSteps; ++i) {
    const double step = static_cast<double>(kSteps) / (kSteps * kSteps + i * (i - 1));
    table[static_cast<std::size_t>(i)] = table[static_cast<std::size_t>(i - 1)] + arc_tangent_series(step);
  }
  return table;
}();

// The angle of the vector (x, y) above the x axis, in radians from 0 to a right angle. Neither is negative, and one is
// not 0.
double angle_of(double x, double y) {
  const bool is_low = y <= x;
  const double tangent = is_low ? y / x : x / y;
  const int nearest = static_cast<int>(tangent * kSteps + 0.5);
  const double at = static_cast<double>(nearest) / kSteps;
  const double rest = (tangent - at) / (1 + tangent * at);
  const double angle = kArcTangents[static_cast<std::size_t>(nearest)] + arc_tangent_series(rest);
  return is_low ? angle : std::numbers::pi / 2 - angle;
}

constexpr double kDiameter = 2.0 * static_cast<double>(kEarthRadius);

// Up to this haversine, 199 km, a short series gives the arc sine of its root: the first term left out is below 1e-18.
constexpr double kNear = 1.0 / 4096;

Millimetres rounded(double distance) {
  return static_cast<Millimetres>(distance + 0.5);
}

// The distance to the antipode decides about points that are far away: there the haversine itself is so flat that the
// last bit of a double is 6 cm.
[[gnu::noinline]] double far_distance(Point a, Point b, double cosines, double haversine) {
  const double to_antipode = squared(sine(std::abs(HalfUnits{a.latitude} + b.latitude))) +
                             cosines * squared(sine(kRightAngle - half_longitudes(a, b)));
  return kDiameter * angle_of(std::sqrt(to_antipode), std::sqrt(haversine));
}

bool is_pole(Point point) {
  return std::abs(point.latitude) == protocol::kMaxLatitude;
}

bool are_antipodes(Point a, Point b) {
  return a.latitude == -b.latitude && (is_pole(a) || half_longitudes(a, b) == kRightAngle);
}

// Whether the shorter way from a to b, which are on different meridians, leads to the west.
bool is_west(Point a, Point b) {
  const HalfUnits way = HalfUnits{b.longitude} - a.longitude;
  return (way < 0) != (std::abs(way) > kRightAngle);
}

// The part of the direction that points north, times the sine of the distance. The usual formula, cos(a) sin(b) -
// sin(a) cos(b) cos(longitudes), would lose all digits near `a` and near its antipode.
double northward(Point a, Point b, double cosine_b) {
  const HalfUnits half = half_longitudes(a, b);
  const bool is_near = half <= kRightAngle / 2;
  const HalfUnits from = is_near ? a.latitude : -a.latitude;
  const HalfUnits turn = b.latitude - from;
  const HalfUnits reduced = std::min(2 * std::abs(turn), kHalfTurn - 2 * std::abs(turn));
  const double along = turn < 0 ? -sine(reduced) : sine(reduced);
  const double across =
      2 * sine_of_latitude(a.latitude) * cosine_b * squared(sine(is_near ? half : kRightAngle - half));
  return is_near ? along + across : along - across;
}

}  // namespace

DistanceFrom::DistanceFrom(Point centre) : centre_(centre), cosine_(cosine_of_latitude(centre.latitude)) {}

Millimetres DistanceFrom::to(Point point) const {
  const double cosines = cosine_ * cosine_of_latitude(point.latitude);
  const double haversine = squared(sine(std::abs(HalfUnits{centre_.latitude} - point.latitude))) +
                           cosines * squared(sine(half_longitudes(centre_, point)));
  if (haversine > kNear) return rounded(far_distance(centre_, point, cosines, haversine));
  const double root = std::sqrt(haversine);
  const double rest = 1.0 / 6 + haversine * (3.0 / 40 + haversine * (15.0 / 336 + haversine * (105.0 / 3456)));
  return rounded(kDiameter * (root + root * haversine * rest));
}

Millimetres distance(Point a, Point b) {
  return DistanceFrom(a).to(b);
}

unsigned bearing(Point from, Point to) {
  if (distance(from, to) == 0 || are_antipodes(from, to)) return 0;
  if (is_pole(from)) return from.latitude > 0 ? 180 : 0;
  const double cosine = cosine_of_latitude(to.latitude);
  const HalfUnits way = 2 * half_longitudes(from, to);
  const double east = cosine * sine(std::min(way, kHalfTurn - way));
  const double north = northward(from, to, cosine);
  const double angle = angle_of(std::abs(north), east) * (180 / std::numbers::pi);
  const double from_north = north < 0 ? 180 - angle : angle;
  const double clockwise = is_west(from, to) ? 360 - from_north : from_north;
  return static_cast<unsigned>(clockwise + 0.5) % 360;
}

void append_km(std::string& out, Millimetres distance) {
  HERD_ASSERT(distance >= 0);
  constexpr Millimetres kPerMetre = 1000;
  const Millimetres metres = (distance + kPerMetre / 2) / kPerMetre;
  out.append(std::to_string(metres / 1000)).append(".");
  append_bearing(out, static_cast<unsigned>(metres % 1000));
}

void append_bearing(std::string& out, unsigned bearing) {
  HERD_ASSERT(bearing < 1000);
  out += static_cast<char>('0' + bearing / 100);
  out += static_cast<char>('0' + bearing / 10 % 10);
  out += static_cast<char>('0' + bearing % 10);
}

}  // namespace herd::node::area
