// Numbers in bytes, the lowest first, on every machine. Pure.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace herd::protocol {

// A word that holds its first byte lowest, as it lies in memory, and back.
template <typename Word>
[[nodiscard]] constexpr Word little_endian(Word word) {
  if constexpr (std::endian::native == std::endian::little) return word;
  Word turned = 0;
  for (std::size_t i = 0; i < sizeof word; ++i, word >>= 8) turned = static_cast<Word>(turned << 8 | (word & 0xFF));
  return turned;
}

// Writes the `width` lowest bytes of a number, at most 8, and returns where they end. Eight bytes at `at` are
// overwritten.
[[gnu::always_inline]] inline char* put_number(char* at, std::uint64_t value, std::size_t width) {
  value = little_endian(value);
  std::memcpy(at, &value, sizeof value);
  return at + width;
}

// The number in `width` bytes, at most 8. Eight bytes at `at` are read.
[[nodiscard]] [[gnu::always_inline]] inline std::uint64_t number_at(const char* at, std::size_t width) {
  std::uint64_t value = 0;
  std::memcpy(&value, at, sizeof value);
  return width == 0 ? 0 : little_endian(value) & (~std::uint64_t{0} >> (64 - 8 * width));
}

}  // namespace herd::protocol
