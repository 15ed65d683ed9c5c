#include "node/area/chart.hpp"

#include <random>

#include "tests/catch.hpp"
#include "tests/node/area/clients.hpp"

using namespace herd::node::area;
using herd::protocol::kMaxLatitude;
using herd::protocol::kMaxLongitude;
using herd::protocol::Point;

TEST_CASE("equal points have one form: +180 degrees is -180, and a pole has one longitude") {
  CHECK(point_of(spot_of({5, kMaxLongitude})) == Point{5, -kMaxLongitude});
  CHECK(point_of(spot_of({5, -kMaxLongitude})) == Point{5, -kMaxLongitude});
  CHECK(spot_of({kMaxLatitude, 77}) == spot_of({kMaxLatitude, -kMaxLongitude}));
  CHECK(spot_of({-kMaxLatitude, 77}) == spot_of({-kMaxLatitude, kMaxLongitude}));
  CHECK_FALSE(spot_of({kMaxLatitude, 0}) == spot_of({-kMaxLatitude, 0}));
  Scene scene(1);
  for (int i = 0; i < 1000; ++i) {
    const Point point = scene.anywhere();
    CHECK(point_of(spot_of(point)) == point);
  }
}

TEST_CASE("the charts cover all latitudes once") {
  std::uint64_t latitudes = 0;
  for (Chart chart = 0; chart < kCharts; ++chart) {
    const SpotRange range = range_of(chart);
    CHECK(range.low.y <= range.high.y);
    latitudes += range.high.y - range.low.y + 1;
    for (const std::uint32_t y : {range.low.y, range.high.y}) CHECK(chart_point({5, y}).chart == chart);
  }
  CHECK(latitudes == std::uint64_t{kNorthPole} + 1);
  CHECK(chart_point({0, 0}).chart == kRings);
  CHECK(chart_point({0, kNorthPole}).chart == 2 * kRings);
  CHECK(chart_point({0, 1}).chart == kRings - 1);
}

TEST_CASE("a cell's range contains exactly the latitudes and longitudes of its points") {
  Scene scene(2);
  for (int i = 0; i < 20'000; ++i) {
    const Spot spot = spot_of(scene.point());
    const ChartPoint at = chart_point(spot);
    Cell cell{at, static_cast<std::uint8_t>(scene.below(33))};
    cell.corner.x &= cell.upper_bits();
    cell.corner.v &= cell.upper_bits();
    REQUIRE(cell.contains(at));
    const SpotRange range = range_of(cell);
    REQUIRE((range.low.x <= spot.x && spot.x <= range.high.x && range.low.y <= spot.y && spot.y <= range.high.y));
    for (const Spot edge : {range.low, range.high}) {
      const bool is_inside =
          cell.contains(chart_point({spot.x, edge.y})) && cell.contains(chart_point({edge.x, spot.y}));
      REQUIRE(is_inside);
    }
  }
}

TEST_CASE("the curve visits the quadrants of a cell in their order, and no two points have one key") {
  Scene scene(3);
  for (int i = 0; i < 20'000; ++i) {
    const ChartPoint a = chart_point(spot_of(scene.point()));
    const ChartPoint b = chart_point(spot_of(scene.point()));
    REQUIRE((a == b) == (curve_key(a) == curve_key(b)));
    if (a.chart != b.chart || a == b) continue;
    const Cell cell = common_cell(a, b);
    REQUIRE((cell.contains(a) && cell.contains(b)));
    REQUIRE(cell.quadrant_of(a) != cell.quadrant_of(b));
    REQUIRE((cell.quadrant_of(a) < cell.quadrant_of(b)) == (curve_key(a) < curve_key(b)));
    const Cell quadrant = cell.quadrant(cell.quadrant_of(a));
    REQUIRE(quadrant.contains(a));
    REQUIRE((curve_key(quadrant.corner) <= curve_key(a) && curve_key(a) <= last_key(quadrant)));
  }
}
