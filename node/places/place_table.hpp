// A parser of the table of places, in the format of data/README.md. Pure; any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "node/places/place_kind.hpp"
#include "protocol/command.hpp"
#include "protocol/result.hpp"

namespace herd::node::places {

// One row. The views point into the table's text.
struct PlaceRow {
  std::string_view id;    // 1 to 255 bytes
  std::string_view name;  // 1 to 255 bytes
  protocol::Position position;
  Kind kind = Kind::Town;
  std::string_view area;         // 0 to 255 bytes
  std::uint32_t population = 0;  // 0: unknown
};

// Calls `take` for every row of the uncompressed `table`, in order, until it returns false, and returns the number of
// rows that it took. Stops at the first invalid row; the error contains its number, counted from 1 without the header.
[[nodiscard]] protocol::Result<std::size_t> read_place_table(std::string_view table,
                                                             const std::function<bool(const PlaceRow&)>& take);

}  // namespace herd::node::places
