// Coordinates and time as integers and a form: half the bytes of their texts, and exactly these texts again. The form
// says what the integers cannot: signs, and how many digits stand in front of and behind each point. Every text that
// protocol/ takes has a form. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "bus/short_text.hpp"
#include "protocol/limits.hpp"

namespace herd::bus {

using CoordinatesText = ShortText<protocol::kMaxCoordinatesBytes>;
using TimeText = ShortText<protocol::kMaxTimeBytes>;

// How many bytes hold any number of so many decimal digits, up to 19.
inline constexpr std::array<std::uint8_t, 20> kBytesOfDigits{0, 1, 1, 2, 2, 3, 3, 3, 4, 4,
                                                             5, 5, 5, 6, 6, 7, 7, 8, 8, 8};

struct PackedCoordinates {
  static constexpr unsigned kFormBits = 13;
  std::uint32_t form = 0;  // from the lowest: 2 signs, 1 + 4 bits for the latitude's digits, 2 + 4 for the longitude's
  std::uint64_t latitude = 0;   // all its digits as one number
  std::uint64_t longitude = 0;  // the same

  [[nodiscard]] static PackedCoordinates of_form(std::uint32_t form) { return {form, 0, 0}; }
  [[nodiscard]] unsigned latitude_whole() const { return 1 + (form >> 2 & 1); }
  [[nodiscard]] unsigned latitude_fraction() const { return form >> 3 & 15; }
  [[nodiscard]] unsigned longitude_whole() const { return 1 + (form >> 7 & 3); }
  [[nodiscard]] unsigned longitude_fraction() const { return form >> 9 & 15; }
  [[nodiscard]] unsigned latitude_bytes() const { return kBytesOfDigits[latitude_whole() + latitude_fraction()]; }
  [[nodiscard]] unsigned longitude_bytes() const { return kBytesOfDigits[longitude_whole() + longitude_fraction()]; }
};

struct PackedTime {
  static constexpr unsigned kFormBits = 8;
  std::uint32_t form = 0;    // from the lowest: 4 bits for the digits in front of the point, 4 for those behind it
  std::uint64_t digits = 0;  // all of them as one number

  [[nodiscard]] static PackedTime of_form(std::uint32_t form) { return {form, 0}; }
  [[nodiscard]] unsigned whole() const { return form & 15; }
  [[nodiscard]] unsigned fraction() const { return form >> 4 & 15; }
  [[nodiscard]] unsigned bytes() const { return kBytesOfDigits[whole() + fraction()]; }
  [[nodiscard]] std::int64_t nanoseconds() const;
};

// Nothing where the text is of no form, which no text is that a client can have led to.
[[nodiscard]] std::optional<PackedCoordinates> pack_coordinates(std::string_view text);
[[nodiscard]] std::optional<PackedTime> pack_time(std::string_view text);

void unpack(const PackedCoordinates& packed, CoordinatesText& text);
void unpack(const PackedTime& packed, TimeText& text);

}  // namespace herd::bus
