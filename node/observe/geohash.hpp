// Geohashes (Niemeyer, 2008): a name for each cell of a grid on the globe, of which each prefix is the name of a larger
// cell. The grid halves the longitude, then the latitude, and so on; each character is five halvings. Example: Los
// Angeles is in 9, 9q, 9q5 (130 km by 156 km) and 9q5ctr18 (32 m by 19 m). Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/point.hpp"

namespace herd::node {

inline constexpr std::size_t kGeohashCharacters = 8;
inline constexpr std::size_t kGeohashCharacterBits = 5;

// The cell of a point: 40 bits, the character that comes first in the highest ones. Exact: computed with integers. A
// point on a border belongs to the cell in the north and east of it, +90 and +180 degrees to the last cell.
using Geohash = std::uint64_t;
[[nodiscard]] Geohash geohash_of(protocol::Point point);

// Its text, of kGeohashCharacters characters.
[[nodiscard]] std::string to_text(Geohash cell);

// A larger cell: the first characters of a geohash.
struct GeohashPrefix {
  Geohash bits = 0;            // of these characters
  std::size_t characters = 0;  // 0 to kGeohashCharacters; 0: the globe
  [[nodiscard]] bool contains(Geohash cell) const {
    return cell >> ((kGeohashCharacters - characters) * kGeohashCharacterBits) == bits;
  }
  bool operator==(const GeohashPrefix&) const = default;
};

// Parses at most kGeohashCharacters characters. nullopt: one of them is in no geohash (they have no a, i, l and o, and
// no capitals), or there are more.
[[nodiscard]] std::optional<GeohashPrefix> parse_geohash(std::string_view text);

}  // namespace herd::node
