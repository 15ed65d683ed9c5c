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

// Rounds half up. `x` is not negative.
template <typename Integer>
Integer rounded(double x) {
  return static_cast<Integer>(x + 0.5);  // NOLINT(bugprone-incorrect-roundings): wrong for negative numbers only
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
  const int nearest = rounded<int>(tangent * kSteps);
  const double at = static_cast<double>(nearest) / kSteps;
  const double rest = (tangent - at) / (1 + tangent * at);
  const double angle = kArcTangents[static_cast<std::size_t>(nearest)] + arc_tangent_series(rest);
  return is_low ? angle : std::numbers::pi / 2 - angle;
}

constexpr double kDiameter = 2.0 * static_cast<double>(kEarthRadius);

// Up to this haversine, 199 km, a short series gives the arc sine of its root: the first term left out is below 1e-18.
constexpr double kNear = 1.0 / 4096;

// Two points, and what the formulas of their distance and bearing have in common.
struct Pair {
  Pair(Point from, double cosine_a, Point to)
      : a(from),
        b(to),
        cosine_b(cosine_of_latitude(to.latitude)),
        cosines(cosine_a * cosine_b),
        half(half_longitudes(from, to)),
        square_of_half(squared(sine(half))),
        haversine(squared(sine(std::abs(HalfUnits{from.latitude} - to.latitude))) + cosines * square_of_half) {}

  Point a;
  Point b;
  double cosine_b;        // of the latitude of b
  double cosines;         // of both latitudes, multiplied
  HalfUnits half;         // half_longitudes(a, b)
  double square_of_half;  // sin(half)^2
  double haversine;       // sin(distance / 2)^2
};

// The distance to the antipode decides about points that are far away: there the haversine itself is so flat that the
// last bit of a double is 6 cm.
[[gnu::noinline]] double far_distance(const Pair& pair) {
  const double to_antipode = squared(sine(std::abs(HalfUnits{pair.a.latitude} + pair.b.latitude))) +
                             pair.cosines * squared(sine(kRightAngle - pair.half));
  return kDiameter * angle_of(std::sqrt(to_antipode), std::sqrt(pair.haversine));
}

Millimetres distance_of(const Pair& pair) {
  const double haversine = pair.haversine;
  if (haversine > kNear) return rounded<Millimetres>(far_distance(pair));
  const double root = std::sqrt(haversine);
  const double rest = 1.0 / 6 + haversine * (3.0 / 40 + haversine * (15.0 / 336 + haversine * (105.0 / 3456)));
  return rounded<Millimetres>(kDiameter * (root + root * haversine * rest));
}

bool is_pole(Point point) {
  return std::abs(point.latitude) == protocol::kMaxLatitude;
}

bool are_antipodes(const Pair& pair) {
  return pair.a.latitude == -pair.b.latitude && (is_pole(pair.a) || pair.half == kRightAngle);
}

// Whether the shorter way from a to b, which are on different meridians, leads to the west.
bool is_west(Point a, Point b) {
  const HalfUnits way = HalfUnits{b.longitude} - a.longitude;
  return (way < 0) != (std::abs(way) > kRightAngle);
}

// The part of the direction that points north, times the sine of the distance. The usual formula, cos(a) sin(b) -
// sin(a) cos(b) cos(longitudes), would lose all digits near `a` and near its antipode.
double northward(const Pair& pair, double sine_a) {
  const bool is_near = pair.half <= kRightAngle / 2;
  const HalfUnits from = is_near ? pair.a.latitude : -pair.a.latitude;
  const HalfUnits turn = pair.b.latitude - from;
  const HalfUnits reduced = std::min(2 * std::abs(turn), kHalfTurn - 2 * std::abs(turn));
  const double along = turn < 0 ? -sine(reduced) : sine(reduced);
  const double square = is_near ? pair.square_of_half : squared(sine(kRightAngle - pair.half));
  const double across = 2 * sine_a * pair.cosine_b * square;
  return is_near ? along + across : along - across;
}

// The points are not the same: their distance, rounded, is not 0.
unsigned bearing_of(const Pair& pair, double sine_a) {
  if (are_antipodes(pair)) return 0;
  if (is_pole(pair.a)) return pair.a.latitude > 0 ? 180 : 0;
  const HalfUnits way = 2 * pair.half;
  const double east = pair.cosine_b * sine(std::min(way, kHalfTurn - way));
  const double north = northward(pair, sine_a);
  const double angle = angle_of(std::abs(north), east) * (180 / std::numbers::pi);
  const double from_north = north < 0 ? 180 - angle : angle;
  const double clockwise = is_west(pair.a, pair.b) ? 360 - from_north : from_north;
  return rounded<unsigned>(clockwise) % 360;
}

}  // namespace

FromCentre::FromCentre(Point centre)
    : centre_(centre), cosine_(cosine_of_latitude(centre.latitude)), sine_(sine_of_latitude(centre.latitude)) {}

Millimetres FromCentre::distance(Point point) const {
  return distance_of(Pair(centre_, cosine_, point));
}

Polar FromCentre::polar(Point point) const {
  const Pair pair(centre_, cosine_, point);
  const Millimetres distance = distance_of(pair);
  return {distance, distance == 0 ? 0 : bearing_of(pair, sine_)};
}

Millimetres distance(Point a, Point b) {
  return FromCentre(a).distance(b);
}

Polar polar(Point centre, Point point) {
  return FromCentre(centre).polar(point);
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
