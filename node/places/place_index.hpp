// The places of the world near a position, without a network: a table from inside the binary (data/README.md says what
// it holds), in tiles. Once loaded it never changes, so any thread may search it; it owns some 25 MB.
//
// The order is what a person would want, near and notable first: by (distance + 0.5 km) / prominence, lowest first,
// where prominence is 1 for a village of 500 and grows by 1 with every ten times as many people. So a town of 50,000
// three kilometres away stands beside a village one kilometre away, the hamlet you stand in comes first, and a
// metropolis at the edge of the radius comes last. docs/decisions/0003-order-of-places.md has the reasons and what else
// was tried.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "node/places/place_kind.hpp"
#include "protocol/command.hpp"
#include "protocol/result.hpp"

namespace herd::node::places {

// A view into the index; good as long as the index. Texts are UTF-8, as they stand between the quotes of a JSON string.
struct PlaceView {
  std::string_view id;  // stable between releases of the table; its prefix names the source
  std::string_view name;
  std::string_view area;      // what lies around it, the largest last: "Los Angeles County, California, US"
  std::int32_t latitude = 0;  // in steps
  std::int32_t longitude = 0;
  Kind kind = Kind::Town;

  [[nodiscard]] protocol::Position position() const;
};

struct Hit {
  std::uint32_t place = 0;  // for PlaceIndex::at
  double distance_km = 0;   // along a sphere of 6371.0088 km
  double score = 0;         // what places are ordered by: the lowest first
};

// 1 and more; an unknown population (0) counts as the smallest.
[[nodiscard]] float prominence(Kind kind, std::uint32_t population);

// What places are ordered by: the lowest first.
[[nodiscard]] double score(double distance_km, float prominence);

class PlaceIndex {
 public:
  // Reads a table compressed by zstd; takes some tenths of a second for the embedded one. Fails on any row that is not
  // as data/README.md says, and names it.
  [[nodiscard]] static protocol::Result<PlaceIndex> load(std::span<const std::byte> compressed);

  PlaceIndex(PlaceIndex&&) noexcept;
  PlaceIndex& operator=(PlaceIndex&&) noexcept;
  ~PlaceIndex();

  // At most `max` places not farther than `radius_km`, in the order above; of equals the nearer first. Radius 0 finds
  // what stands exactly there. A radius or a max below 0 finds nothing.
  [[nodiscard]] std::vector<Hit> search(const protocol::Position& centre, double radius_km, int max) const;

  [[nodiscard]] PlaceView at(std::uint32_t place) const;  // place < size()
  [[nodiscard]] std::size_t size() const;

 private:
  struct Contents;
  explicit PlaceIndex(std::unique_ptr<Contents> contents);
  std::unique_ptr<Contents> contents_;
};

// The table that was linked into the binary.
[[nodiscard]] std::span<const std::byte> embedded_places();

}  // namespace herd::node::places
