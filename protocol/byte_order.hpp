// Integers as bytes in little-endian order (lowest byte first), on every machine. Pure; any thread.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace herd::protocol {

// Converts an unsigned integer between the machine's byte order and little-endian order, in either direction.
template <typename Word>
[[nodiscard]] constexpr Word little_endian(Word word) {
  if constexpr (std::endian::native == std::endian::little) return word;
  Word reversed = 0;
  for (std::size_t i = 0; i < sizeof word; ++i, word >>= 8) reversed = static_cast<Word>(reversed << 8 | (word & 0xFF));
  return reversed;
}

// Writes the `width` lowest bytes of a number, lowest first, and returns the position after them. `width` is at most 8.
// Always overwrites eight bytes at `at`.
[[gnu::always_inline]] inline char* put_number(char* at, std::uint64_t value, std::size_t width) {
  value = little_endian(value);
  std::memcpy(at, &value, sizeof value);
  return at + width;
}

// Returns the number in `width` bytes, lowest first. `width` is at most 8. Always reads eight bytes at `at`.
[[nodiscard]] [[gnu::always_inline]] inline std::uint64_t number_at(const char* at, std::size_t width) {
  std::uint64_t value = 0;
  std::memcpy(&value, at, sizeof value);
  return width == 0 ? 0 : little_endian(value) & (~std::uint64_t{0} >> (64 - 8 * width));
}

}  // namespace herd::protocol
