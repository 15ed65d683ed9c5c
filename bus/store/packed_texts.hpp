// Lossless packing of coordinates and time texts: unpacking gives back exactly the same text. Pure.
//
// Coordinates consist of 14 characters, the digits and `+-./`, which differ in their lower 4 bits. So 4 bits per
// character are enough. A time's text is computed from the time and from two numbers: its digits before and after the
// decimal point (TimeForm).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "bus/store/short_text.hpp"
#include "protocol/clock.hpp"
#include "protocol/limits.hpp"
#include "protocol/point.hpp"

namespace herd::bus {

using CoordinatesText = ShortText<protocol::kMaxCoordinatesBytes>;
using TimeText = ShortText<protocol::kMaxTimeBytes>;

// Storage for the texts of an unpacked update, into which its views point.
struct UpdateTexts {
  CoordinatesText coordinates;
  TimeText time_text;
};

[[nodiscard]] constexpr std::size_t packed_bytes(std::size_t characters) {
  return (characters + 1) / 2;
}

// Writes packed_bytes(text.size()) bytes. Returns false if the text contains a character that cannot be packed; the
// bytes written are then meaningless. May write, as unpack_coordinates() may read, up to 4 bytes after the packed ones.
[[nodiscard]] bool pack_coordinates(std::string_view text, char* to);
// At most kMaxCoordinatesBytes characters; more are cut off.
void unpack_coordinates(const char* from, std::size_t characters, CoordinatesText& to);
// protocol::point_of() of the text, without writing it: the index of all clients' points reads one at each change. The
// text must be valid coordinates. May read up to 8 bytes after the packed ones.
[[nodiscard]] protocol::Point packed_point(const char* from, std::size_t characters);

struct TimeForm {
  std::uint32_t whole = 0;     // digits before the point, 1 to 10
  std::uint32_t fraction = 0;  // digits after it, 0 to 9; 0: the text has no point
};

// The form of a valid time text (protocol/time_text.hpp). Returns nullopt if the digits on a
// side of the point are too few or too many.
[[nodiscard]] std::optional<TimeForm> form_of(std::string_view text);
// Writes the text from the time that it was parsed to.
void write_time(protocol::Nanoseconds time, const TimeForm& form, TimeText& to);

}  // namespace herd::bus
