// A second, simple implementation of the grammar of coordinates and times, which computes with the digits as integers.
// Tests and fuzz targets compare the fast parsers of protocol/ with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "protocol/coordinates.hpp"
#include "protocol/limits.hpp"

namespace herd::testing {

__extension__ using Wide = unsigned __int128;  // holds a coordinate with all its digits

inline constexpr Wide kDegree = Wide{1'000'000'000'000'000} * 1'000'000'000'000'000;  // 10^kMaxFractionDigits
inline constexpr std::uint64_t kSecond = 1'000'000'000;
static_assert(protocol::kMaxFractionDigits == 30);

// Removes up to `most` digits, a point and up to `places` digits from the front of the text. Returns their value times
// 10^places, or nullopt if the text does not begin with such a number.
inline std::optional<Wide> take_decimal(std::string_view& text, std::size_t most, std::size_t places) {
  Wide value = 0;
  const auto take_digits = [&](std::size_t limit) {
    std::size_t taken = 0;
    for (; !text.empty() && text.front() >= '0' && text.front() <= '9' && taken <= limit; ++taken) {
      value = value * 10 + static_cast<unsigned>(text.front() - '0');
      text.remove_prefix(1);
    }
    return taken;
  };
  if (const std::size_t whole = take_digits(most); whole == 0 || whole > most) return std::nullopt;
  std::size_t fraction = 0;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    fraction = take_digits(places);
    if (fraction == 0 || fraction > places) return std::nullopt;
  }
  for (; fraction < places; ++fraction) value *= 10;
  return value;
}

inline std::optional<double> take_degrees(std::string_view& text, std::size_t most, std::uint64_t range) {
  if (text.empty() || (text.front() != '+' && text.front() != '-')) return std::nullopt;
  const double sign = text.front() == '-' ? -1 : 1;
  text.remove_prefix(1);
  const auto value = take_decimal(text, most, protocol::kMaxFractionDigits);
  if (!value || *value > range * kDegree) return std::nullopt;
  return sign * static_cast<double>(*value) / static_cast<double>(kDegree);
}

// The position, exact to a few bits of a double; nullopt if the text is not one.
inline std::optional<protocol::Position> plain_position(std::string_view text) {
  const auto latitude = take_degrees(text, 2, 90);
  const auto longitude = latitude ? take_degrees(text, 3, 180) : std::nullopt;
  if (longitude && text == "/") text.remove_prefix(1);
  if (!longitude || !text.empty()) return std::nullopt;
  return protocol::Position{*latitude, *longitude};
}

// The time in nanoseconds since 1970; nullopt if the text is not a time.
inline std::optional<std::uint64_t> plain_time(std::string_view text) {
  const auto value = take_decimal(text, 10, 9);
  if (!value || !text.empty() || *value >= static_cast<Wide>(protocol::kTimeSecondsEnd) * kSecond) {
    return std::nullopt;
  }
  return static_cast<std::uint64_t>(*value);
}

}  // namespace herd::testing
