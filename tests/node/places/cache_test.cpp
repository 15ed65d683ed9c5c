#include "node/places/cache.hpp"

#include <cmath>

#include "tests/catch.hpp"

using namespace herd::node::places;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kPlenty = 1'000'000;
constexpr Query kQuery{.latitude = 34.06893, .longitude = -118.445127, .radius_km = 10, .max = 5};

Cell cell_at(double latitude, double longitude, double radius_km = 10) {
  return cell_of({.latitude = latitude, .longitude = longitude, .radius_km = radius_km, .max = 5});
}

PlaceList list_of(std::size_t bytes) {
  return {{{0, 0}, std::string(bytes, 'x'), {}}};
}

// The distance from a point to the northern edge of its cell.
double side_of_cell_m(const Query& query) {
  Query north = query;
  double least = 0;
  double most = 0;
  for (double metres = -400; metres <= 400; metres += 0.25) {
    north.latitude = query.latitude + metres / 111'195.08;
    if (cell_of(north) != cell_of(query)) continue;
    least = std::min(least, metres);
    most = std::max(most, metres);
  }
  return most - least;
}

}  // namespace

TEST_CASE("the radius of a request is in whole metres, rounded up, from 1 to the most that services accept") {
  const auto metres = [](double km) { return radius_m_of({.latitude = 0, .longitude = 0, .radius_km = km, .max = 1}); };
  CHECK(metres(0) == 1);
  CHECK(metres(0.0004) == 1);
  CHECK(metres(0.001) == 1);
  CHECK(metres(0.0011) == 2);
  CHECK(metres(10) == 10'000);
  CHECK(metres(50) == 50'000);
}

TEST_CASE("the side of a cell is 100 m, or a tenth of a small radius, but at least 1 m") {
  Query query = kQuery;
  CHECK(side_of_cell_m(query) == Approx(100).margin(1));
  query.radius_km = 1;
  CHECK(side_of_cell_m(query) == Approx(100).margin(1));
  query.radius_km = 0.5;
  CHECK(side_of_cell_m(query) == Approx(50).margin(1));
  query.radius_km = 0;
  CHECK(side_of_cell_m(query) == Approx(1).margin(0.5));
}

TEST_CASE("cells are square at every latitude, and 180 E equals 180 W") {
  for (const double latitude : {-89.0, -60.0, 0.0, 34.0, 60.0, 89.0}) {
    int cells = 1;
    Cell last = cell_at(latitude, 10);
    const double degree_m = 111'195.08 * std::cos(latitude * 3.14159265358979 / 180);
    for (double metres = 0; metres < 2000; metres += 0.5) {
      const Cell next = cell_at(latitude, 10 + metres / degree_m);
      cells += next == last ? 0 : 1;
      last = next;
    }
    INFO(latitude);
    CHECK(cells >= 20);
    CHECK(cells <= 21);
  }
  CHECK(cell_at(12, 180) == cell_at(12, -180));
}

TEST_CASE("another radius is another cell, another number of places is not") {
  CHECK(cell_at(1, 2, 10) != cell_at(1, 2, 11));
  Query fewer = kQuery;
  fewer.max = 1;
  CHECK(cell_of(fewer) == cell_of(kQuery));
}

TEST_CASE("an answer is fresh up to its time to live, then stale, and finally removed") {
  Cache cache({kPlenty, 60s});
  const Cell cell = cell_of(kQuery);
  CHECK_FALSE(cache.find(cell, 0s));
  cache.put(cell, list_of(10), 100s);
  CHECK(cache.find(cell, 160s - 1ns)->fresh);
  const auto stale = cache.find(cell, 160s);
  REQUIRE(stale);
  CHECK_FALSE(stale->fresh);
  CHECK(stale->age == 60s);
  CHECK(stale->places->size() == 1);
  const auto end = 100s + 60s * Cache::kStaleFactor;
  CHECK(cache.find(cell, end - 1ns));
  CHECK_FALSE(cache.find(cell, end));
  CHECK(cache.size() == 0);
  CHECK(cache.bytes() == 0);
}

TEST_CASE("a newer answer replaces the older one") {
  Cache cache({kPlenty, 60s});
  const Cell cell = cell_of(kQuery);
  cache.put(cell, list_of(10), 0s);
  const auto bytes = cache.bytes();
  cache.put(cell, {}, 50s);
  CHECK(cache.find(cell, 60s)->places->empty());
  CHECK(cache.size() == 1);
  CHECK(cache.bytes() < bytes);
}

TEST_CASE("the cache never exceeds its bound in bytes, and evicts the least recently used answer first") {
  Cache cache({10'000, 60s});
  const auto put = [&](double latitude) { cache.put(cell_at(latitude, 0), list_of(2'000), 0s); };
  put(1);
  put(2);
  put(3);
  CHECK(cache.size() == 3);
  REQUIRE(cache.find(cell_at(1, 0), 0s));
  put(4);
  put(5);
  CHECK(cache.bytes() <= 10'000);
  CHECK(cache.find(cell_at(1, 0), 0s));
  CHECK_FALSE(cache.find(cell_at(2, 0), 0s));
  for (int i = 0; i < 80; ++i) put(i);
  CHECK(cache.bytes() <= 10'000);
  CHECK(cache.size() == 4);
}

TEST_CASE("an answer larger than the whole cache is not stored and evicts nothing") {
  Cache cache({10'000, 60s});
  cache.put(cell_at(1, 0), list_of(100), 0s);
  cache.put(cell_at(2, 0), list_of(10'000), 0s);
  CHECK(cache.find(cell_at(1, 0), 0s));
  CHECK_FALSE(cache.find(cell_at(2, 0), 0s));
}

TEST_CASE("without a time to live nothing is stored") {
  Cache cache({kPlenty, 0s});
  cache.put(cell_of(kQuery), list_of(10), 0s);
  CHECK_FALSE(cache.find(cell_of(kQuery), 0s));
}
