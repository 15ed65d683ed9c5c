#include "node/places/cache.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "protocol/limits.hpp"

namespace herd::node::places {
namespace {

constexpr double kMetresADegree = 111'195.08;  // of latitude, on the sphere of place_list.cpp
constexpr double kCellMetres = 100;
constexpr std::size_t kEntryBytes = 256;  // an entry without its places: the nodes of list and map and their headers

std::int32_t rounded_down(double value) {
  return static_cast<std::int32_t>(std::floor(value));
}

}  // namespace

int radius_m_of(const Query& query) {
  return std::clamp(static_cast<int>(std::ceil(query.radius_km * 1000)), 1, protocol::kMaxRadiusKm * 1000);
}

Cell cell_of(const Query& query) {
  const int radius_m = radius_m_of(query);
  const double side = std::clamp(radius_m / 10.0, 1.0, kCellMetres) / kMetresADegree;  // degrees of latitude
  const std::int32_t row = rounded_down((query.latitude + 90) / side);
  // Rows get shorter towards the poles. Each has as many columns as fit its middle, and they go round the earth.
  const double middle = (row + 0.5) * side - 90;
  const double columns = std::max(std::floor(360 * std::cos(middle * std::numbers::pi / 180) / side), 1.0);
  const double column = std::floor((query.longitude + 180) / 360 * columns);
  return {row, static_cast<std::int32_t>(std::fmod(column, columns)), radius_m};
}

std::optional<Cache::Found> Cache::find(const Cell& cell, protocol::Nanoseconds now) {
  const auto found = by_cell_.find(cell);
  if (found == by_cell_.end()) return std::nullopt;
  const auto entry = found->second;
  const auto age = now - entry->asked;
  if (age >= limits_.ttl * kStaleFactor) {
    drop(entry);
    return std::nullopt;
  }
  entries_.splice(entries_.begin(), entries_, entry);
  return Found{&entry->places, age, age < limits_.ttl};
}

void Cache::put(const Cell& cell, PlaceList places, protocol::Nanoseconds now) {
  if (const auto found = by_cell_.find(cell); found != by_cell_.end()) drop(found->second);
  std::size_t bytes = kEntryBytes;
  for (const ListedPlace& place : places) bytes += bytes_of(place);
  if (bytes > limits_.max_bytes || limits_.ttl == protocol::Nanoseconds(0)) return;
  while (bytes_ + bytes > limits_.max_bytes) drop(std::prev(entries_.end()));
  entries_.push_front({cell, std::move(places), now, bytes});
  by_cell_.emplace(cell, entries_.begin());
  bytes_ += bytes;
}

void Cache::drop(Entries::iterator entry) {
  bytes_ -= entry->bytes;
  by_cell_.erase(entry->cell);
  entries_.erase(entry);
}

}  // namespace herd::node::places
