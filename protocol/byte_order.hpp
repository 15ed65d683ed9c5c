// Integers as bytes, on every machine: in little-endian order (lowest byte first), which this project's own formats
// use, and in big-endian order, which msgpack and ZMTP use. Pure; any thread.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace herd::protocol {

template <typename Word>
[[nodiscard]] constexpr Word reversed_bytes(Word word) {
  if constexpr (sizeof word == 1) return word;
  Word reversed = 0;
  for (std::size_t i = 0; i < sizeof word; ++i) {
    reversed = static_cast<Word>(reversed << 8 | (word & 0xFF));
    word = static_cast<Word>(word >> 8);
  }
  return reversed;
}

// Convert an unsigned integer between the machine's byte order and the named one, in either direction.
template <typename Word>
[[nodiscard]] constexpr Word little_endian(Word word) {
  return std::endian::native == std::endian::little ? word : reversed_bytes(word);
}
template <typename Word>
[[nodiscard]] constexpr Word big_endian(Word word) {
  return std::endian::native == std::endian::big ? word : reversed_bytes(word);
}

// Write all bytes of an unsigned integer, and return the position after them.
template <typename Word>
[[gnu::always_inline]] inline char* put_little_endian(char* at, Word word) {
  word = little_endian(word);
  std::memcpy(at, &word, sizeof word);
  return at + sizeof word;
}
template <typename Word>
[[gnu::always_inline]] inline char* put_big_endian(char* at, Word word) {
  word = big_endian(word);
  std::memcpy(at, &word, sizeof word);
  return at + sizeof word;
}

// Return the unsigned integer in the sizeof(Word) bytes at `at`.
template <typename Word>
[[nodiscard]] [[gnu::always_inline]] inline Word little_endian_at(const char* at) {
  Word word = 0;
  std::memcpy(&word, at, sizeof word);
  return little_endian(word);
}
template <typename Word>
[[nodiscard]] [[gnu::always_inline]] inline Word big_endian_at(const char* at) {
  Word word = 0;
  std::memcpy(&word, at, sizeof word);
  return big_endian(word);
}

// For numbers of varying width. Writes the `width` lowest bytes of a number, lowest first, and returns the position
// after them. `width` is at most 8. Always overwrites eight bytes at `at`.
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
