#include "node/area/sphere.hpp"

#include <array>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>

#include "tests/catch.hpp"

using namespace herd::node::area;
using herd::protocol::kMaxLatitude;
using herd::protocol::kMaxLongitude;
using herd::protocol::kUnitsPerDegree;
using herd::protocol::Millimetres;
using herd::protocol::Point;

namespace {

constexpr Millimetres kHalfCircle = 20'015'114'442;

Point degrees(double latitude, double longitude) {
  return {static_cast<std::int32_t>(std::lround(latitude * kUnitsPerDegree)),
          static_cast<std::int32_t>(std::lround(longitude * kUnitsPerDegree))};
}

// Unit vectors of long doubles: another way to the same distances, with eleven more bits.
using Real = long double;
struct Vector {
  Real x, y, z;
};
constexpr Real kPi = 3.14159265358979323846264338327950288L;

Vector vector_of(Point point) {
  const Real radians = kPi / (180 * static_cast<Real>(kUnitsPerDegree));
  const Real latitude = point.latitude * radians;
  const Real longitude = point.longitude * radians;
  return {std::cos(latitude) * std::cos(longitude), std::cos(latitude) * std::sin(longitude), std::sin(latitude)};
}
Vector cross(const Vector& a, const Vector& b) {
  return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}
Real dot(const Vector& a, const Vector& b) {
  return a.x * b.x + a.y * b.y + a.z * b.z;
}
Real length(const Vector& a) {
  return std::sqrt(dot(a, a));
}

Real exact_distance(Point a, Point b) {
  const Vector from = vector_of(a);
  const Vector to = vector_of(b);
  return static_cast<Real>(kEarthRadius) * std::atan2(length(cross(from, to)), dot(from, to));
}

// The angle between the planes through the earth's axis and through the two points, in degrees from 0 to 360.
Real exact_bearing(Point a, Point b) {
  const Vector from = vector_of(a);
  const Vector east = {-from.y, from.x, 0};
  const Vector north = cross(from, east);
  const Vector to = vector_of(b);
  const Vector way = {to.x - from.x, to.y - from.y, to.z - from.z};
  const Real angle = std::atan2(dot(way, east), dot(way, north)) * 180 / kPi;
  return angle < 0 ? angle + 360 : angle;
}

class Points {
 public:
  explicit Points(std::uint64_t seed) : random_(seed) {}

  Point anywhere() { return {between(-kMaxLatitude, kMaxLatitude), between(-kMaxLongitude, kMaxLongitude)}; }

  // The kinds of pairs in which formulas fail.
  std::array<Point, 2> pair() {
    Point a = anywhere();
    switch (random_() % 8) {
      case 0:
        a.latitude = kMaxLatitude - small();
        break;
      case 1:
        a.latitude = -kMaxLatitude + small();
        break;
      case 2:
        a.longitude = (random_() % 2 == 0 ? 1 : -1) * (kMaxLongitude - small());
        break;
      case 3:
        a.latitude = small();
        break;
      default:
        break;
    }
    switch (random_() % 4) {
      case 0:
        return {a, anywhere()};
      case 1:
        return {a, moved(a)};
      case 2:
        return {a, moved(antipode(a))};
      default:
        return {a, moved({-a.latitude, a.longitude})};
    }
  }

 private:
  std::int32_t between(std::int64_t least, std::int64_t most) {
    return static_cast<std::int32_t>(
        least + static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(most - least + 1)));
  }
  // From 0 to 53 degrees, of all sizes alike.
  std::int32_t small() { return static_cast<std::int32_t>(random_() % (std::uint64_t{1} << random_() % 30)); }

  static Point antipode(Point a) {
    return {-a.latitude, a.longitude > 0 ? a.longitude - kMaxLongitude : a.longitude + kMaxLongitude};
  }
  Point moved(Point a) {
    const std::int64_t latitude = std::int64_t{a.latitude} + (random_() % 2 == 0 ? small() : -small());
    const std::int64_t longitude = std::int64_t{a.longitude} + (random_() % 2 == 0 ? small() : -small());
    const std::int64_t turn = 2 * std::int64_t{kMaxLongitude};
    const std::int64_t folded = longitude > kMaxLongitude    ? longitude - turn
                                : longitude < -kMaxLongitude ? longitude + turn
                                                             : longitude;
    return {static_cast<std::int32_t>(std::clamp<std::int64_t>(latitude, -kMaxLatitude, kMaxLatitude)),
            static_cast<std::int32_t>(folded)};
  }

  std::mt19937_64 random_;
};

std::string km(Millimetres distance) {
  std::string out = "km ";
  append_km(out, distance);
  return out;
}

}  // namespace

unsigned bearing_of(Point a, Point b) {
  return polar(a, b).bearing;
}

TEST_CASE("the distances and bearings of known pairs") {
  CHECK(distance(degrees(34.06893, -118.445127), degrees(34.06893, -118.445127)) == 0);
  CHECK(distance(degrees(0, 0), degrees(0, 1)) == 111'195'080);
  CHECK(distance(degrees(0, 0), degrees(0, 0.0000001)) == 11);
  CHECK(distance(degrees(0, 0), degrees(90, 0)) == kHalfCircle / 2);
  CHECK(distance(degrees(90, 0), degrees(-90, 77)) == kHalfCircle);
  CHECK(distance(degrees(0, -90), degrees(0, 90)) == kHalfCircle);
  CHECK(distance(degrees(12.3456789, 30), degrees(-12.3456789, -150)) == kHalfCircle);
  CHECK(bearing_of(degrees(0, 0), degrees(1, 0)) == 0);
  CHECK(bearing_of(degrees(0, 0), degrees(0, 1)) == 90);
  CHECK(bearing_of(degrees(0, 0), degrees(-1, 0)) == 180);
  CHECK(bearing_of(degrees(0, 0), degrees(0, -1)) == 270);
}

TEST_CASE("a million distances are within half a millimetre and 0.01 mm of the exact ones, near the antipode too") {
  Points points(1);
  Real worst = 0;
  std::uint64_t sum = 14'695'981'039'346'656'037U;
  for (int i = 0; i < 1'000'000; ++i) {
    const auto [a, b] = points.pair();
    const Millimetres found = distance(a, b);
    if (found != distance(b, a)) FAIL("not symmetric");
    worst = std::max(worst, std::abs(static_cast<Real>(found) - exact_distance(a, b)));
    sum = (sum ^ static_cast<std::uint64_t>(found)) * 1'099'511'628'211U;
    sum = (sum ^ bearing_of(a, b)) * 1'099'511'628'211U;
  }
  CHECK(worst < 0.51L);
  CHECK(worst > 0.49L);
  // All nodes of a herd must give the same answers. So the results are the same on every machine, to the bit.
  CHECK(sum == 1'039'575'876'284'714'798);
}

TEST_CASE("distances and bearings from one point are those of pairs") {
  Points points(2);
  for (int i = 0; i < 1000; ++i) {
    const Point centre = points.anywhere();
    const FromCentre from(centre);
    for (int j = 0; j < 10; ++j) {
      const Point to = points.anywhere();
      if (from.distance(to) != distance(centre, to)) FAIL("the distance differs");
      if (from.polar(to) != polar(centre, to)) FAIL("the polar coordinates differ");
      if (from.polar(to).distance != distance(centre, to)) FAIL("the two distances differ");
    }
  }
}

TEST_CASE("bearings are rounded to the nearest degree") {
  Points points(3);
  for (int i = 0; i < 200'000; ++i) {
    const auto [a, b] = points.pair();
    const bool is_pole = std::abs(a.latitude) == kMaxLatitude;
    // Within a metre of the point and of its antipode, the vectors of long doubles lose digits.
    const Millimetres away = distance(a, b);
    if (is_pole || away < 1000 || away > kHalfCircle - 1000) continue;
    const unsigned found = bearing_of(a, b);
    if (found > 359) FAIL(found);
    const Real off = std::abs(exact_bearing(a, b) - static_cast<Real>(found));
    if (std::min(off, 360 - off) > 0.5L + 1e-6L)
      FAIL(a.latitude << " " << a.longitude << " " << b.latitude << " " << b.longitude);
  }
}

TEST_CASE("a bearing just below north is written as 000") {
  CHECK(bearing_of(degrees(0, 0), degrees(10, -0.05)) == 0);
  CHECK(bearing_of(degrees(0, 0), degrees(10, -0.08)) == 0);
  CHECK(bearing_of(degrees(0, 0), degrees(10, -0.1)) == 359);
  CHECK(bearing_of(degrees(0, 0), degrees(10, 0.1)) == 1);
}

TEST_CASE("the bearing is 0 at distance 0 after rounding, and at the antipode") {
  CHECK(bearing_of(degrees(10, 20), degrees(10, 20)) == 0);
  // 0.02 mm and 2 mm to the east.
  const Point near_pole = degrees(89.9999, 0);
  CHECK(distance(near_pole, degrees(89.9999, 0.0001)) == 0);
  CHECK(bearing_of(near_pole, degrees(89.9999, 0.0001)) == 0);
  CHECK(bearing_of(near_pole, degrees(89.9999, 0.01)) == 90);
  CHECK(bearing_of(degrees(10, 20), degrees(-10, -160)) == 0);
  CHECK(bearing_of(degrees(-10, -160), degrees(10, 20)) == 0);
  CHECK(bearing_of(degrees(0, 180), degrees(0, 0)) == 0);
  CHECK(bearing_of(degrees(0, -180), degrees(0, 0)) == 0);
  CHECK(bearing_of(degrees(10, 20), degrees(-10, -160.0000001)) == 90);
  CHECK(bearing_of(degrees(10, 20), degrees(-10, -159.9999999)) == 270);
  CHECK(bearing_of(degrees(10, 20), degrees(-9.9999999, -160)) == 0);
  CHECK(bearing_of(degrees(10, 20), degrees(-10.0000001, -160)) == 180);
}

TEST_CASE("at a pole the longitude has no meaning") {
  const Point north = {kMaxLatitude, 0};
  const Point south = {-kMaxLatitude, 0};
  for (const std::int32_t longitude : {0, 1, 900'000'000, -1'234'567'890, kMaxLongitude, -kMaxLongitude}) {
    CAPTURE(longitude);
    CHECK(distance(north, {kMaxLatitude, longitude}) == 0);
    CHECK(distance(south, {-kMaxLatitude, longitude}) == 0);
    CHECK(distance(north, {-kMaxLatitude, longitude}) == kHalfCircle);
    CHECK(distance(degrees(48, 11), {kMaxLatitude, longitude}) == distance(degrees(48, 11), north));
    CHECK(bearing_of(north, {kMaxLatitude, longitude}) == 0);
    CHECK(bearing_of({kMaxLatitude, longitude}, south) == 0);
    CHECK(bearing_of({-kMaxLatitude, longitude}, north) == 0);
    CHECK(bearing_of({kMaxLatitude, longitude}, degrees(48, 11)) == 180);
    CHECK(bearing_of({-kMaxLatitude, longitude}, degrees(48, 11)) == 0);
    CHECK(bearing_of(degrees(48, 11), {kMaxLatitude, longitude}) == 0);
    CHECK(bearing_of(degrees(48, 11), {-kMaxLatitude, longitude}) == 180);
  }
}

TEST_CASE("a distance and a bearing are the same at +180 and at -180 degrees") {
  const Point east = degrees(12, 180);
  const Point west = degrees(12, -180);
  CHECK(distance(east, west) == 0);
  CHECK(bearing_of(east, west) == 0);
  Points points(4);
  for (int i = 0; i < 10'000; ++i) {
    const Point other = points.anywhere();
    if (distance(east, other) != distance(west, other)) FAIL("distance");
    if (bearing_of(east, other) != bearing_of(west, other)) FAIL("bearing from it");
    if (bearing_of(other, east) != bearing_of(other, west)) FAIL("bearing to it");
  }
  CHECK(bearing_of(degrees(0, 179.9), degrees(0, -179.9)) == 90);
  CHECK(bearing_of(degrees(0, -179.9), degrees(0, 179.9)) == 270);
}

TEST_CASE("kilometres have three decimals, rounded half up") {
  CHECK(km(0) == "km 0.000");
  CHECK(km(499) == "km 0.000");
  CHECK(km(500) == "km 0.001");
  CHECK(km(12'345'499) == "km 12.345");
  CHECK(km(12'345'500) == "km 12.346");
  CHECK(km(999'999'499) == "km 999.999");
  CHECK(km(999'999'500) == "km 1000.000");
  CHECK(km(kHalfCircle) == "km 20015.114");
}

TEST_CASE("bearings have three digits") {
  std::string out;
  for (const unsigned bearing : {0U, 7U, 42U, 359U}) append_bearing(out, bearing);
  CHECK(out == "000007042359");
}
