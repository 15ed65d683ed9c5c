#include "node/places/place_list.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string_view>

#include "node/places/tiles.hpp"

namespace herd::node::places {
namespace {

// 10 um: a place at the query's exact position must pass radius 0 in spite of rounding errors.
constexpr double kRoundingKm = 1e-8;

double radians(double degrees) {
  return degrees * std::numbers::pi / 180;
}

}  // namespace

std::size_t bytes_of(const ListedPlace& place) {
  std::size_t bytes = sizeof(ListedPlace) + place.json.size();
  for (const auto& attribution : place.attributions) bytes += sizeof(std::string) + attribution.size();
  return bytes;
}

// The haversine formula: it is precise for small distances, where the formula with an arc cosine is not.
double distance_km(const PositionPair& pair) {
  const auto& [one, other] = pair;
  const double north = std::sin(radians(other.latitude - one.latitude) / 2);
  const double east = std::sin(radians(other.longitude - one.longitude) / 2);
  const double square =
      north * north + std::cos(radians(one.latitude)) * std::cos(radians(other.latitude)) * east * east;
  return 2 * kEarthKm * std::asin(std::sqrt(std::min(square, 1.0)));
}

Shown show(const PlaceList& places, const Query& query) {
  std::string results;
  std::vector<std::string_view> attributions;
  int count = 0;
  for (const ListedPlace& place : places) {
    if (count == query.max) break;
    if (distance_km({{query.latitude, query.longitude}, place.position}) > query.radius_km + kRoundingKm) continue;
    ++count;
    results += results.empty() ? "\n" : ",\n";
    results += place.json;
    for (const auto& text : place.attributions) {
      if (std::find(attributions.begin(), attributions.end(), text) == attributions.end()) attributions.push_back(text);
    }
  }
  if (count == 0) return {Status::ZeroResults, empty_document(Status::ZeroResults)};
  return {Status::Ok, results_document(results, attributions)};
}

}  // namespace herd::node::places
