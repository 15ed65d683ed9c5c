// Coordinates as clients write them: ISO 6709 decimal degrees, `+34.068930-118.445127`. Texts from clients and from
// peers go through the same functions, so that a node never accepts coordinates that another node refuses. Pure; any
// thread.
#pragma once

#include <string_view>

#include "protocol/parsed.hpp"

namespace herd::protocol {

// Decimal degrees; latitude in [-90, 90], longitude in [-180, 180]. Used only to search for places nearby; nodes
// compare and send the text.
struct Position {
  double latitude = 0;
  double longitude = 0;
};

// Parses a latitude (sign, 1 to 2 digits) and a longitude (sign, 1 to 3 digits), each with an optional point and 1 to
// kMaxFractionDigits digits, then an optional solidus, and nothing else. The ranges are checked on the whole decimal
// text: +90.000000000000000000000000000001 is out of range although its double is 90. The doubles ignore fraction
// digits after the 15th.
[[nodiscard]] Parsed<Position> parse_coordinates(std::string_view text);

// Makes the same checks without computing the doubles, which are not needed to store an update.
[[nodiscard]] Parsed<void> check_coordinates(std::string_view text);

// Whether `text` has the form of coordinates, within the ranges or not: an operand of this form is never a client's id
// where both are allowed.
[[nodiscard]] bool has_form_of_coordinates(std::string_view text);

// Removes coordinates from the front of `text`; anything may follow them. Returns false if `text` does not begin with
// coordinates within the ranges; how much of it is removed is then unspecified.
[[nodiscard]] bool take_coordinates(std::string_view& text);

}  // namespace herd::protocol
