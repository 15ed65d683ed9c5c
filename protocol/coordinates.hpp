// Coordinates as a client writes them: ISO 6709 decimal degrees, `+34.068930-118.445127`. Clients' and peers' texts go
// through the same function, so that a node never holds what another would refuse. Pure; any thread.
#pragma once

#include <string_view>

#include "protocol/parsed.hpp"

namespace herd::protocol {

// Decimal degrees; latitude in [-90, 90], longitude in [-180, 180]. The text is what counts between nodes, this is for
// searching near it.
struct Position {
  double latitude = 0;
  double longitude = 0;
};

// Sign, 1 to 2 digits, then sign, 1 to 3 digits, each with an optional point and 1 to kMaxFractionDigits digits, then
// perhaps a solidus, and nothing else. The ranges are judged on the whole decimal text:
// +90.000000000000000000000000000001 is out of range although its double is not. A double ignores fraction digits after
// the 15th.
[[nodiscard]] Parsed<Position> parse_coordinates(std::string_view text);

// The same judgement without the numbers, which most commands never need.
[[nodiscard]] Parsed<void> check_coordinates(std::string_view text);

// Takes coordinates from the front of `text`, whatever stands behind them. False if there are none in range; `text` may
// then stand anywhere.
[[nodiscard]] bool take_coordinates(std::string_view& text);

}  // namespace herd::protocol
