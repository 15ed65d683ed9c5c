#include "node/places/place_index.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numbers>
#include <random>
#include <string>
#include <vector>

#include "protocol/limits.hpp"
#include "tests/catch.hpp"
#include "tests/node/places/places_table.hpp"

using namespace herd::node::places;
using herd::protocol::Position;
using testing::compress;
using testing::index_of;
using testing::table_of;

namespace {

const PlaceIndex& world() {
  static const PlaceIndex index = PlaceIndex::load(embedded_places()).value();
  return index;
}

// Uses another formula than the index, so that both do not have the same mistake.
double haversine_km(const Position& one, const Position& other) {
  constexpr double kHalfDegree = std::numbers::pi / 360;
  const double up = std::sin((other.latitude - one.latitude) * kHalfDegree);
  const double along = std::sin((other.longitude - one.longitude) * kHalfDegree);
  const double square =
      up * up + std::cos(2 * kHalfDegree * one.latitude) * std::cos(2 * kHalfDegree * other.latitude) * along * along;
  return 2 * 6371.0088 * std::asin(std::min(1.0, std::sqrt(square)));
}

std::vector<std::string> names(const PlaceIndex& index, const std::vector<Hit>& hits) {
  std::vector<std::string> names;
  for (const Hit& hit : hits) {
    names.emplace_back(index.at(hit.place).name);
  }
  return names;
}

std::string row(std::string_view name, const Position& position, std::string_view kind, int population) {
  return fmt::format("test:{}\t{}\t{:.5f}\t{:.5f}\t{}\tXX\tXX\t{}\n", name, name, position.latitude, position.longitude,
                     kind, population);
}

// Latitudes only: a thousandth of a degree is 111 metres.
Position north_by_km(double km) {
  return {km / 6371.0088 * 180 / std::numbers::pi, 0};
}

struct RandomWorld {
  std::vector<float> prominences;  // of the place named pN at index N
  PlaceIndex index;

  [[nodiscard]] float prominence_of(std::uint32_t place) const {
    return prominences.at(std::stoul(std::string(index.at(place).name.substr(1))));
  }
};

// The best scores within the radius, by a search over all places. Scores, not places: of two places at a pole, either
// may be first.
std::vector<double> best_scores(const RandomWorld& world, const Position& centre, double radius_km, std::size_t max) {
  std::vector<double> found;
  for (std::uint32_t place = 0; place < world.index.size(); ++place) {
    const double km = haversine_km(centre, world.index.at(place).position());
    if (km <= radius_km) {
      found.push_back(score(km, world.prominence_of(place)));
    }
  }
  std::sort(found.begin(), found.end());
  found.resize(std::min(found.size(), max));
  return found;
}

RandomWorld random_world(std::mt19937& random, const Position& around, double spread_degrees) {
  std::uniform_real_distribution<double> offset(-spread_degrees, spread_degrees);
  std::uniform_int_distribution<int> zeros(0, 7);
  std::string rows;
  std::vector<float> prominences;
  for (int place = 0; place < 400; ++place) {
    const double latitude = std::clamp(around.latitude + offset(random), -90.0, 90.0);
    const double range = std::max(0.001, std::cos(latitude * std::numbers::pi / 180));
    const double longitude = std::remainder(around.longitude + offset(random) / range, 360.0);
    const int population = static_cast<int>(std::pow(10, zeros(random)));
    rows += row(fmt::format("p{}", place), {latitude, longitude}, "town", population);
    prominences.push_back(prominence(Kind::Town, static_cast<std::uint32_t>(population)));
  }
  return {std::move(prominences), index_of(rows)};
}

}  // namespace

TEST_CASE("the embedded table is complete") {
  CHECK(world().size() > 220'000);
  CHECK(embedded_places().size() < 6'000'000);
}

TEST_CASE("the embedded table has no duplicates: equal names in one country within 5 km") {
  std::map<std::string, std::vector<std::uint32_t>> namesakes;
  for (std::uint32_t place = 0; place < world().size(); ++place) {
    const auto view = world().at(place);
    auto name = fmt::format("{}/{}", view.area.substr(view.area.rfind(' ') + 1), view.name);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); });
    namesakes[name].push_back(place);
  }
  std::vector<std::string_view> twice;
  for (const auto& [name, places] : namesakes) {
    for (std::size_t i = 0; i < places.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        const auto one = world().at(places[i]);
        const auto other = world().at(places[j]);
        if (haversine_km(one.position(), other.position()) < 5) twice.push_back(one.id);
      }
    }
  }
  CHECK(twice == std::vector<std::string_view>());
}

TEST_CASE("a search gives the same as a search over all places, also at the poles and across the antimeridian") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const auto around = GENERATE(Position{34.0, -118.4}, Position{0, 0}, Position{0, 180}, Position{-17, -179.99},
                               Position{90, 0}, Position{-90, 123}, Position{89.9, -180});
  const RandomWorld world = random_world(random, around, 0.6);
  std::uniform_real_distribution<double> radius(0, herd::protocol::kMaxRadiusKm);
  std::uniform_real_distribution<double> offset(-0.3, 0.3);
  for (int repeat = 0; repeat < 40; ++repeat) {
    const Position centre{std::clamp(around.latitude + offset(random), -90.0, 90.0),
                          std::remainder(around.longitude + offset(random), 360.0)};
    const double radius_km = radius(random);
    for (const int max : {1, 7, 20}) {
      const auto hits = world.index.search(centre, radius_km, max);
      const auto best = best_scores(world, centre, radius_km, static_cast<std::size_t>(max));
      REQUIRE(hits.size() == best.size());
      for (std::size_t rank = 0; rank < hits.size(); ++rank) {
        const auto& [place, km, by] = hits[rank];
        CHECK(std::abs(km - haversine_km(centre, world.index.at(place).position())) < 1e-6);
        CHECK(by == score(km, world.prominence_of(place)));
        CHECK(std::abs(by - best[rank]) < 1e-6);
      }
    }
  }
}

TEST_CASE("a search of any radius gives the same as a search over all places") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const RandomWorld world = random_world(random, {0, 0}, 180);  // everywhere
  std::uniform_real_distribution<double> latitude(-90, 90);
  std::uniform_real_distribution<double> longitude(-180, 180);
  for (const double radius_km : {0.0, 50.0, 700.0, 5'000.0, 10'100.0, 25'000.0}) {
    for (int repeat = 0; repeat < 20; ++repeat) {
      const Position centre{latitude(random), longitude(random)};
      INFO(centre.latitude << ' ' << centre.longitude << ' ' << radius_km);
      CHECK(world.index.search(centre, radius_km, 400).size() == best_scores(world, centre, radius_km, 400).size());
    }
  }
}

TEST_CASE("a place is found from both sides of each border between tiles") {
  const Position seam = GENERATE(Position{0, 0}, Position{0, 180}, Position{0, -180}, Position{51.5, -0.5},
                                 Position{-90, 0}, Position{90, 180}, Position{45, 179.5}, Position{-89.5, -180});
  const PlaceIndex index = index_of(row("seam", seam, "town", 0));
  for (const double north : {-0.00001, 0.0, 0.00001}) {
    for (const double east : {-0.00001, 0.0, 0.00001}) {
      const Position centre{std::clamp(seam.latitude + north, -90.0, 90.0),
                            std::clamp(seam.longitude + east, -180.0, 180.0)};
      INFO(centre.latitude << ' ' << centre.longitude);
      CHECK(index.search(centre, 0.01, 1).size() == 1);
    }
  }
  CHECK(index.search(seam, 0, 1).size() == 1);
}

TEST_CASE("a place exactly on the radius is found, and one just beyond is not") {
  const PlaceIndex index = index_of(row("edge", {0.1, 0}, "town", 0));
  const double km = haversine_km({0, 0}, {0.1, 0});
  CHECK(index.search({0, 0}, km, 1).size() == 1);
  CHECK(index.search({0, 0}, km - 1e-6, 1).empty());
}

// A search checks rounded points first. The rounding must not hide a place just within the radius, at any position and
// at any index within its block.
TEST_CASE("a place just within the radius is found anywhere") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> latitude(-90, 90);
  std::uniform_real_distribution<double> longitude(-180, 180);
  std::string rows;
  for (int place = 0; place < 500; ++place) {
    rows += row("p" + std::to_string(place), {latitude(random), longitude(random)}, "town", 1'000);
  }
  const auto index = index_of(rows);
  for (int repeat = 0; repeat < 200; ++repeat) {
    const Position centre{latitude(random), longitude(random)};
    for (const Hit& hit : index.search(centre, 25'000, 500)) {
      const auto within = index.search(centre, hit.distance_km + 1e-6, 500);
      CHECK(std::any_of(within.begin(), within.end(), [&](const Hit& found) { return found.place == hit.place; }));
    }
    const PlaceView near = index.at(static_cast<std::uint32_t>(repeat));
    const Position beside{std::clamp(near.position().latitude + 1e-4, -90.0, 90.0), near.position().longitude};
    const auto at_least = index.search(beside, 1, 500);
    REQUIRE(!at_least.empty());
    for (const Hit& hit : at_least) CHECK(!index.search(beside, hit.distance_km + 1e-9, 500).empty());
  }
}

TEST_CASE("radius 0 finds places at exactly this position and no others") {
  const PlaceIndex index =
      index_of(row("here", {12.34567, 76.54321}, "town", 0) + row("beside", {12.34568, 76.54321}, "town", 5'000'000));
  CHECK(names(index, index.search({12.34567, 76.54321}, 0, 20)) == std::vector<std::string>{"here"});
  CHECK(index.search({12.3, 76.5}, 0, 20).empty());
}

TEST_CASE("at a pole every longitude is the same position") {
  const PlaceIndex index = index_of(row("pole", {90, 77}, "town", 0));
  CHECK(index.search({90, -120}, 0, 1).size() == 1);
}

TEST_CASE("max bounds the answer from 1 to 20, and 0 or a negative radius finds nothing") {
  std::string rows;
  for (int place = 0; place < 30; ++place) {
    rows += row(fmt::format("p{}", place), north_by_km(place), "town", 0);
  }
  const PlaceIndex index = index_of(rows);
  for (int max = 0; max <= 20; ++max) {
    CHECK(index.search({0, 0}, 50, max).size() == static_cast<std::size_t>(max));
  }
  CHECK(index.search({0, 0}, -1, 5).empty());
  CHECK(index.search({0, 0}, std::nan(""), 5).empty());
}

TEST_CASE("an empty table gives no results") {
  CHECK(index_of("").search({0, 0}, 50, 20).empty());
}

TEST_CASE("a hamlet at the position comes before a metropolis at the edge, and the metropolis before a far hamlet") {
  const PlaceIndex index = index_of(row("hamlet", north_by_km(0.1), "town", 500) +
                                    row("metropolis", north_by_km(40), "capital", 20'000'000) +
                                    row("far hamlet", north_by_km(10), "town", 500));
  CHECK(names(index, index.search({0, 0}, 50, 3)) == std::vector<std::string>{"hamlet", "metropolis", "far hamlet"});
}

TEST_CASE("ten times the population adds 1 to the prominence") {
  const PlaceIndex index =
      index_of(row("village", north_by_km(1.1), "town", 500) + row("town", north_by_km(4.2), "town", 50'000) +
               row("next village", north_by_km(1.2), "town", 500));
  CHECK(names(index, index.search({0, 0}, 50, 3)) == std::vector<std::string>{"town", "village", "next village"});
}

TEST_CASE("prominence grows with the population and with the kind, and is never below 1") {
  CHECK(prominence(Kind::Town, 0) == 1);
  CHECK(prominence(Kind::Town, 500) == 1);
  CHECK(prominence(Kind::Quarter, 5'000) == Approx(2));
  CHECK(prominence(Kind::Town, 5'000) == Approx(2));
  CHECK(prominence(Kind::Seat, 5'000) == Approx(2.5));
  CHECK(prominence(Kind::Capital, 5'000) == Approx(3));
  CHECK(prominence(Kind::Port, 0) == Approx(2));
}

TEST_CASE("places with equal scores are ordered by distance, then by table order") {
  const PlaceIndex index =
      index_of(row("b", {0, 0.02}, "town", 0) + row("a", {0, -0.02}, "town", 0) + row("near", {0, 0.01}, "town", 0));
  CHECK(names(index, index.search({0, 0}, 50, 3)) == std::vector<std::string>{"near", "b", "a"});
}

TEST_CASE("near the university in Los Angeles the order is what a person expects") {
  const auto found = names(world(), world().search({34.068930, -118.445127}, 10, 20));
  const std::vector<std::string> first(found.begin(), found.begin() + std::min<std::ptrdiff_t>(6, std::ssize(found)));
  for (const char* expected : {"Beverly Hills", "Santa Monica", "Westwood", "Bel Air"}) {
    INFO(expected);
    CHECK(std::find(first.begin(), first.end(), expected) != first.end());
  }
}

TEST_CASE("a large city is the first result at its centre, and the open sea has no results") {
  const auto first = [](const Position& position) { return world().at(world().search(position, 50, 1).at(0).place); };
  CHECK(first({48.8566, 2.3522}).name == "Paris");
  CHECK(first({35.6895, 139.6917}).name == "Tokyo");
  CHECK(first({-18.1416, 178.4419}).name == "Suva");
  CHECK(world().search({0, -140}, 50, 20).empty());
}

TEST_CASE("loading ends soon after a stop is requested") {
  std::stop_source source;
  source.request_stop();
  const auto stopped = PlaceIndex::load(embedded_places(), source.get_token());
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().message == "loading the places was stopped");
}

TEST_CASE("an invalid table is refused with a reason") {
  CHECK_FALSE(PlaceIndex::load({}));
  const std::array<std::byte, 4> nonsense{};
  CHECK_FALSE(PlaceIndex::load(nonsense));
  CHECK_FALSE(PlaceIndex::load(compress("hello")));
  CHECK_FALSE(PlaceIndex::load(compress(table_of("a\tX\t91\t0\ttown\tCH\t\t0\n"))));
  CHECK_FALSE(PlaceIndex::load(embedded_places().first(embedded_places().size() / 2)));
}
