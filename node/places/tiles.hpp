// Divides the earth into tiles of half a degree by half a degree. They are numbered row by row from the south pole, and
// in each row from the antimeridian eastwards. If items are sorted by the number of their tile, the items near a
// position are in a few contiguous ranges. Pure; any thread.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>

#include "protocol/coordinates.hpp"

namespace herd::node::places {

inline constexpr double kEarthKm = 6371.0088;  // mean radius, IUGG
inline constexpr int kTilesADegree = 2;        // measured: 4 and 8 are not faster, and their tables take 4 and 16 MB
inline constexpr int kTileRows = 180 * kTilesADegree;
inline constexpr int kTileColumns = 360 * kTilesADegree;
inline constexpr std::size_t kTiles = std::size_t{kTileRows} * kTileColumns;

[[nodiscard]] inline int tile_row(double latitude) {
  return std::clamp(static_cast<int>(std::floor((latitude + 90) * kTilesADegree)), 0, kTileRows - 1);
}

// The result may be outside [0, kTileColumns) across the antimeridian: -1 means the last column, kTileColumns the
// first.
[[nodiscard]] inline int tile_column(double longitude) {
  return static_cast<int>(std::floor((longitude + 180) * kTilesADegree));
}

// The number of a tile.
[[nodiscard]] inline std::size_t tile_at(int row, int column) {
  return static_cast<std::size_t>(row) * kTileColumns + static_cast<std::size_t>(column);
}

// The number of the position's tile. Longitude 180 belongs to the last column, -180 to the first.
[[nodiscard]] inline std::size_t tile_of(const protocol::Position& position) {
  return tile_at(tile_row(position.latitude), std::min(tile_column(position.longitude), kTileColumns - 1));
}

// Calls take(first, last) for ranges of tile numbers, both ends included. They cover all positions within `radius_km`
// (at least 0) of the centre, and some others. No tile occurs twice.
template <class Take>
void for_tiles_near(const protocol::Position& centre, double radius_km, Take take) {
  constexpr double kDegree = std::numbers::pi / 180;
  constexpr double kRounding = 1e-9;  // radians, 6 mm: finds a position on the border of two tiles from both
  const double angle = std::min(radius_km / kEarthKm + kRounding, std::numbers::pi);
  const double latitude = centre.latitude * kDegree;
  const int south = tile_row((latitude - angle) / kDegree);
  const int north = tile_row((latitude + angle) / kDegree);
  int west = 0;
  int east = kTileColumns - 1;
  if (std::abs(latitude) + angle < std::numbers::pi / 2 - kRounding) {  // no pole is within the radius
    const double reach = (std::asin(std::sin(angle) / std::cos(latitude)) + kRounding) / kDegree;
    west = tile_column(centre.longitude - reach);
    east = std::min(tile_column(centre.longitude + reach), west + kTileColumns - 1);
  }
  for (int row = south; row <= north; ++row) {
    const auto range = [&](int first, int last) {
      if (first <= last) take(tile_at(row, first), tile_at(row, last));
    };
    range(std::max(west, 0), std::min(east, kTileColumns - 1));
    range(west + kTileColumns, kTileColumns - 1);  // across the antimeridian, from the east ...
    range(0, east - kTileColumns);                 // ... and from the west
  }
}

}  // namespace herd::node::places
