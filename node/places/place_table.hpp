// The rows of the table of places, as data/README.md describes them. Pure: any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "node/places/place_kind.hpp"
#include "protocol/command.hpp"
#include "protocol/result.hpp"

namespace herd::node::places {

// Views into the table's text.
struct PlaceRow {
  std::string_view id;    // 1 to 255 bytes
  std::string_view name;  // 1 to 255 bytes
  protocol::Position position;
  Kind kind = Kind::Town;
  std::string_view area;         // 0 to 255 bytes
  std::uint32_t population = 0;  // 0: unknown
};

// Hands every row of `table` to `take`, in order, and returns how many there were. Stops at the first row that is not
// as it must be, and says which.
[[nodiscard]] protocol::Result<std::size_t> read_place_table(std::string_view table,
                                                             const std::function<void(const PlaceRow&)>& take);

}  // namespace herd::node::places
