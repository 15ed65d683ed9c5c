#include "node/watches/cell_grid.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <random>
#include <vector>

#include "node/area/sphere.hpp"
#include "tests/catch.hpp"

using namespace herd::node;
using namespace herd::node::watches;
using herd::protocol::Point;

namespace {

Point drawn_point(std::mt19937_64& random) {
  const auto latitude = static_cast<std::int32_t>(random() % 1'800'000'001) - herd::protocol::kMaxLatitude;
  const auto longitude = static_cast<std::int64_t>(random() % 3'600'000'001) - herd::protocol::kMaxLongitude;
  return {random() % 10 == 0 ? herd::protocol::kMaxLatitude : latitude, static_cast<std::int32_t>(longitude)};
}

// A point close to another.
Point near_to(std::mt19937_64& random, Point point, std::int64_t units) {
  const auto moved = [&](std::int64_t value, std::int64_t most) {
    const auto by = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(2 * units + 1)) - units;
    return static_cast<std::int32_t>(std::clamp(value + by, -most, most));
  };
  return {moved(point.latitude, herd::protocol::kMaxLatitude), moved(point.longitude, herd::protocol::kMaxLongitude)};
}

}  // namespace

TEST_CASE("the grid finds each area that contains a point, and each once", "[slow]") {
  std::mt19937_64 random(7);
  CellGrid grid;
  std::map<WatchId, WatchedArea> areas;
  for (WatchId id = 0; id < 600; ++id) {
    const Point point = drawn_point(random);
    const auto radius = static_cast<herd::protocol::Millimetres>(random() % 1000) << (random() % 25);
    if (random() % 2 == 0) {
      areas.emplace(id, WatchedArea(point, radius, radius / 2));
    } else {
      Point opposite = near_to(random, point, std::int64_t{1} << (random() % 31));
      areas.emplace(
          id, WatchedArea(herd::protocol::Box{{std::min(point.latitude, opposite.latitude), point.longitude},
                                              {std::max(point.latitude, opposite.latitude), opposite.longitude}}));
    }
    grid.add(id, areas.at(id).bounds());
  }
  grid.check_invariants();
  area::Spot last;
  const auto check = [&](Point point) {
    const area::Spot spot = area::spot_of(point);
    std::map<WatchId, int> found;
    grid.for_each_at(spot, [&](WatchId id) { ++found[id]; });
    for (const auto& [id, area] : areas) {
      if (area.contains(area::point_of(spot), true)) CHECK(found[id] == 1);
    }
    CHECK(std::all_of(found.begin(), found.end(), [](const auto& one) { return one.second <= 1; }));
    std::map<WatchId, int> of_both;
    grid.for_each_at(spot, last, [&](WatchId id) { ++of_both[id]; });
    grid.for_each_at(last, [&](WatchId id) { ++found[id]; });
    CHECK(std::equal(found.begin(), found.end(), of_both.begin(), of_both.end(),
                     [](const auto& one, const auto& both) { return one.first == both.first && both.second <= 2; }));
    last = spot;
  };
  for (int round = 0; round < 3000; ++round) {
    const WatchedArea& area = areas.at(static_cast<WatchId>(random() % areas.size()));
    const Point corner = area.is_circle() ? area.centre() : area.box().south_west;
    check(near_to(random, corner, std::int64_t{1} << (random() % 31)));
    if (!area.is_circle()) check(area.box().north_east);
  }
  for (const auto& [id, area] : areas) {
    grid.remove(id, area.bounds());
    if (id % 50 == 0) grid.check_invariants();
  }
  grid.for_each_at({}, [](WatchId) { FAIL("an area is left"); });
}

TEST_CASE("an area that contains two spots of one cell is found once") {
  CellGrid grid;
  const WatchedArea area(Point{340'000'000, -1'180'000'000}, 1'000'000, 0);
  grid.add(7, area.bounds());
  const area::Spot centre = area::spot_of(area.centre());
  std::vector<WatchId> found;
  const auto note = [&](WatchId watch) { found.push_back(watch); };
  grid.for_each_at(centre, {centre.x + 10, centre.y}, note);
  CHECK(found == std::vector<WatchId>{7});
  grid.for_each_at(centre, {}, note);
  grid.for_each_at({}, centre, note);
  CHECK(found == std::vector<WatchId>{7, 7, 7});
  grid.for_each_at({}, {centre.x, centre.y + 1'000'000}, note);
  CHECK(found.size() == 3);
}

TEST_CASE("areas of one cell are removed in any order") {
  CellGrid grid;
  const WatchedArea area(Point{340'000'000, -1'180'000'000}, 1'000'000, 0);
  std::vector<WatchId> watches(200);
  std::iota(watches.begin(), watches.end(), 0U);
  for (const WatchId watch : watches) grid.add(watch, area.bounds());
  std::mt19937_64 random(3);
  std::shuffle(watches.begin(), watches.end(), random);
  for (; !watches.empty(); watches.pop_back()) {
    std::vector<WatchId> found;
    grid.for_each_at(area::spot_of(area.centre()), [&](WatchId watch) { found.push_back(watch); });
    REQUIRE(std::is_permutation(found.begin(), found.end(), watches.begin(), watches.end()));
    grid.remove(watches.back(), area.bounds());
    if (watches.size() % 20 == 1) grid.check_invariants();
  }
}

TEST_CASE("an area is found less than one step outside its bounds, in cells of each size") {
  const auto [radius, shift] =
      GENERATE(std::pair(1'000'000, 19U), std::pair(15'000'000, 22U), std::pair(120'000'000, 25U));
  const std::uint32_t step = 1U << (shift - 8);
  std::mt19937_64 random(5);
  for (int round = 0; round < 200; ++round) {
    CellGrid grid;
    const Point centre{static_cast<std::int32_t>(random() % 300'000'000),
                       static_cast<std::int32_t>(random() % 1'000'000)};
    const Bounds bounds = *WatchedArea(centre, radius, 0).bounds();
    grid.add(1, bounds);
    const auto is_found = [&](std::uint32_t x, std::uint32_t y) {
      bool found = false;
      grid.for_each_at(area::Spot{x, y}, [&](WatchId) { found = true; });
      return found;
    };
    CHECK(is_found(bounds.west, bounds.south));
    CHECK(is_found(bounds.east, bounds.north));
    CHECK_FALSE(is_found(bounds.west - step, bounds.south));
    CHECK_FALSE(is_found(bounds.west, bounds.south - step));
    CHECK_FALSE(is_found(bounds.east + step, bounds.north));
    CHECK_FALSE(is_found(bounds.east, bounds.north + step));
  }
}

TEST_CASE("a circle that touches three columns at the antimeridian is found in each, once") {
  CellGrid grid;
  const WatchedArea area(Point{100'200'000, herd::protocol::kMaxLongitude}, 2'800'000, 0);
  grid.add(7, area.bounds());
  for (const std::int32_t longitude : {1'799'800'000, 1'799'950'000, -1'799'900'000}) {
    int found = 0;
    grid.for_each_at(area::spot_of({100'200'000, longitude}), [&](WatchId) { ++found; });
    CHECK(found == 1);
  }
  grid.for_each_at(area::spot_of({100'200'000, 0}), [](WatchId) { FAIL("it is far away"); });
  grid.remove(7, area.bounds());
  grid.check_invariants();
}
