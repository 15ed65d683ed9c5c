// A spatial index of the world's places: finds the places near a position without a network. Its table is part of the
// binary (data/README.md describes it) and sorted by tiles (tiles.hpp). After loading the index is immutable, so any
// thread may search it. It owns about 25 MB; the embedded provider owns it.
//
// The results are ordered by a score, lowest first, so that near and well-known places come first:
//
//   score = (distance + 0.5 km) / prominence
//
// Prominence is 1 for a village of 500 people, and grows by 1 with every factor of 10. So a town of 50,000 people at
// 3 km ranks near a village at 1 km; the hamlet at the position comes first; a metropolis at the edge of the radius
// comes last. docs/decisions/0003-order-of-places.md has the reasons and the alternatives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string_view>
#include <vector>

#include "node/places/place_kind.hpp"
#include "protocol/command.hpp"
#include "protocol/result.hpp"

namespace herd::node::places {

// A view of one place; valid as long as the index. Texts are UTF-8 with the escapes of a JSON string, without quotes.
struct PlaceView {
  std::string_view id;  // stable between releases of the table; its prefix names the source
  std::string_view name;
  std::string_view area;       // the regions around it, largest last: "Los Angeles County, California, US"
  std::int32_t latitude = 0;   // in units of 1 / kStepsPerDegree degree
  std::int32_t longitude = 0;  // in the same units
  Kind kind = Kind::Town;

  [[nodiscard]] protocol::Position position() const;
};

struct Hit {
  std::uint32_t place = 0;  // for PlaceIndex::at
  double distance_km = 0;   // great-circle distance on a sphere with a radius of 6371.0088 km
  double score = 0;         // results are ordered by it, lowest first
};

// Returns the prominence of a place, at least 1. An unknown population (0) counts as 500, the smallest in the table.
[[nodiscard]] float prominence(Kind kind, std::uint32_t population);

// Returns the score: see above.
[[nodiscard]] double score(double distance_km, float prominence);

class PlaceIndex {
 public:
  // Loads a zstd-compressed table, in the format of data/README.md. The embedded one takes a few tenths of a second.
  // Returns an error if the table cannot be decompressed or a row is invalid; the error contains the number of the row.
  // Returns an error soon after a stop is requested.
  [[nodiscard]] static protocol::Result<PlaceIndex> load(std::span<const std::byte> compressed,
                                                         const std::stop_token& stop = {});

  PlaceIndex(PlaceIndex&&) noexcept;
  PlaceIndex& operator=(PlaceIndex&&) noexcept;
  ~PlaceIndex();

  // Returns at most `max` places within `radius_km`, ordered by score, then by distance, then by table order. Radius 0
  // finds places at exactly this position. A negative radius, a NaN, or a max below 1 gives an empty result.
  [[nodiscard]] std::vector<Hit> search(const protocol::Position& centre, double radius_km, int max) const;

  [[nodiscard]] PlaceView at(std::uint32_t place) const;  // precondition: place < size()
  [[nodiscard]] std::size_t size() const;

 private:
  struct Contents;
  explicit PlaceIndex(std::unique_ptr<Contents> contents);
  std::unique_ptr<Contents> contents_;
};

// The compressed table that is part of the binary. Valid for the whole run.
[[nodiscard]] std::span<const std::byte> embedded_places();

}  // namespace herd::node::places
