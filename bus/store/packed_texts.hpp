// Coordinates and time in fewer bytes than their texts, and exactly these texts again. Pure.
//
// Coordinates are written with fourteen characters, the digits and `+-./`, which differ in their lower four bits: so
// four bits of each are kept. A time is a number that is needed as such; of its text is kept how many digits stand in
// front of the point and behind it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "bus/store/short_text.hpp"
#include "protocol/clock.hpp"
#include "protocol/limits.hpp"

namespace herd::bus {

using CoordinatesText = ShortText<protocol::kMaxCoordinatesBytes>;
using TimeText = ShortText<protocol::kMaxTimeBytes>;

// What the views of an update point into that was packed.
struct UpdateTexts {
  CoordinatesText coordinates;
  TimeText time_text;
};

[[nodiscard]] constexpr std::size_t packed_bytes(std::size_t characters) {
  return (characters + 1) / 2;
}

// Both may write, or read, four bytes behind what counts. pack_coordinates is false where another character stands in
// the text: then nothing that was written counts.
[[nodiscard]] bool pack_coordinates(std::string_view text, char* to);
void unpack_coordinates(const char* from, std::size_t characters, CoordinatesText& to);

struct TimeForm {
  std::uint32_t whole = 0;     // digits in front of the point, 1 to 10
  std::uint32_t fraction = 0;  // behind it, 0 to 9; 0: there is no point
};

// Of a text that says a time (protocol/time_text.hpp); nothing where its lengths are those of none.
[[nodiscard]] std::optional<TimeForm> form_of(std::string_view text);
// The text again, from the time that it said.
void write_time(protocol::Nanoseconds time, const TimeForm& form, TimeText& to);

}  // namespace herd::bus
