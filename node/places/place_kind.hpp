// The kinds of places in the embedded table, and the limits of its values.
#pragma once

#include <cstddef>
#include <cstdint>

namespace herd::node::places {

enum class Kind : std::uint8_t {
  Capital,  // of a country
  Seat,     // of a state or province
  Town,     // city, town or village
  Quarter,  // part of a town
  Port,     // sea port
};

// Positions are stored as integers in units of 1 / kStepsPerDegree degree: the five decimals of the table.
inline constexpr std::size_t kDecimals = 5;
inline constexpr std::int32_t kStepsPerDegree = 100'000;

// The most bytes of an id, a name or an area, including JSON escapes. A table with a longer one is refused.
inline constexpr std::size_t kMaxTextBytes = 255;

}  // namespace herd::node::places
