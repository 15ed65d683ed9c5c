#include "node/area/area_filter.hpp"

#include <cmath>
#include <cstdint>

#include "tests/catch.hpp"

using herd::node::area::BoxFilter;
using herd::node::area::spot_of;
using herd::protocol::Box;
using herd::protocol::kUnitsPerDegree;
using herd::protocol::Point;

namespace {

Point degrees(double latitude, double longitude) {
  return {static_cast<std::int32_t>(std::lround(latitude * kUnitsPerDegree)),
          static_cast<std::int32_t>(std::lround(longitude * kUnitsPerDegree))};
}

bool contains(const Box& box, Point point) {
  return BoxFilter(box).contains(spot_of(point));
}

}  // namespace

TEST_CASE("the edges and corners belong to a box") {
  const Box box{degrees(-1, -2), degrees(3, 4)};
  for (const Point point :
       {degrees(0, 0), degrees(-1, -2), degrees(3, 4), degrees(-1, 4), degrees(3, -2), degrees(0, 4)}) {
    CHECK(contains(box, point));
  }
  for (const Point point : {degrees(-1.0000001, 0), degrees(3.0000001, 0), degrees(0, -2.0000001),
                            degrees(0, 4.0000001), degrees(0, 180), degrees(90, 0)}) {
    CHECK_FALSE(contains(box, point));
  }
}

TEST_CASE("a west above its east crosses the antimeridian") {
  const Box box{degrees(-10, 170), degrees(10, -170)};
  for (const double longitude : {170.0, 179.9999999, 180.0, -180.0, -179.9, -170.0}) {
    CAPTURE(longitude);
    CHECK(contains(box, degrees(0, longitude)));
    CHECK_FALSE(contains(box, degrees(10.1, longitude)));
  }
  for (const double longitude : {169.9999999, 0.0, -169.9999999}) {
    CAPTURE(longitude);
    CHECK_FALSE(contains(box, degrees(0, longitude)));
  }
}

TEST_CASE("a west equal to its east is a line") {
  const Box line{degrees(0, 7), degrees(1, 7)};
  CHECK(contains(line, degrees(0.5, 7)));
  CHECK_FALSE(contains(line, degrees(0.5, 7.0000001)));
  CHECK_FALSE(contains(line, degrees(0.5, -180)));
}

TEST_CASE("+180 and -180 degrees are one meridian") {
  for (const double edge : {180.0, -180.0}) {
    for (const double longitude : {180.0, -180.0}) {
      CAPTURE(edge, longitude);
      CHECK(contains({degrees(0, edge), degrees(1, edge)}, degrees(0, longitude)));
      CHECK(contains({degrees(0, edge), degrees(1, -179)}, degrees(0, longitude)));
      CHECK(contains({degrees(0, 179), degrees(1, edge)}, degrees(0, longitude)));
    }
  }
  const Box all{degrees(0, -180), degrees(1, 180)};
  const Box line{degrees(0, 180), degrees(1, -180)};
  CHECK(contains(all, degrees(0, 0)));
  CHECK_FALSE(contains(line, degrees(0, 0)));
  CHECK(contains(line, degrees(0, 180)));
  CHECK(contains(line, degrees(0, -180)));
}

TEST_CASE("a point at a pole is inside every box that reaches the pole") {
  for (const double longitude : {0.0, 100.0, 180.0, -180.0}) {
    CAPTURE(longitude);
    CHECK(contains({degrees(89, 10), degrees(90, 20)}, degrees(90, longitude)));
    CHECK(contains({degrees(-90, 10), degrees(-89, 10)}, degrees(-90, longitude)));
    CHECK_FALSE(contains({degrees(89, 10), degrees(89.9999999, 20)}, degrees(90, longitude)));
  }
}
