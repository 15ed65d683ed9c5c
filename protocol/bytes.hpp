// The classes of bytes in a client's line. The parser, the copy of an unknown line and the check of client ids from
// peers use the same table, so that they cannot disagree. Pure; any thread.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace herd::protocol {

enum class ByteClass : std::uint8_t {
  Text,       // part of a field
  Blank,      // white space between fields: space, tab, CR, form feed, vertical tab
  Forbidden,  // other control bytes, and FF, with which telnet sequences begin
};

inline constexpr std::array<ByteClass, 256> kByteClasses = [] {
  std::array<ByteClass, 256> classes{};
  for (std::size_t byte = 0; byte < 0x20; ++byte) {
    classes[byte] = ByteClass::Forbidden;
  }
  for (const char blank : {' ', '\t', '\r', '\f', '\v'}) {
    classes[static_cast<unsigned char>(blank)] = ByteClass::Blank;
  }
  classes[0x7F] = ByteClass::Forbidden;
  classes[0xFF] = ByteClass::Forbidden;
  return classes;
}();

[[nodiscard]] inline ByteClass class_of(char byte) {
  return kByteClasses[static_cast<unsigned char>(byte)];
}

// Returns the number of Text bytes at the front of `bytes`. On little-endian machines it examines eight bytes at a
// time: fields are most of what a node reads from clients, and this saves a quarter of the cost of parsing them.
[[nodiscard]] inline std::size_t text_length(std::string_view bytes) {
  std::size_t length = 0;
  if constexpr (std::endian::native == std::endian::little) {
    constexpr std::uint64_t kEach = 0x0101010101010101;  // multiplied by a byte: that byte eight times
    for (; bytes.size() - length >= sizeof kEach; length += sizeof kEach) {
      std::uint64_t word = 0;
      std::memcpy(&word, bytes.data() + length, sizeof word);
      // Sets the high bit of each byte that is at most a space. A borrow can set a wrong bit only in a byte after a
      // match, and only the first match is used.
      const std::uint64_t up_to_space = (word - kEach * 0x21) & ~word;
      const std::uint64_t seven_ones = (word & kEach * 0x7F) + kEach;  // high bit set in each byte 7F or FF
      if (const std::uint64_t found = (up_to_space | seven_ones) & kEach * 0x80; found != 0) {
        return length + static_cast<std::size_t>(std::countr_zero(found)) / 8;
      }
    }
  }
  while (length < bytes.size() && class_of(bytes[length]) == ByteClass::Text) {
    ++length;
  }
  return length;
}

}  // namespace herd::protocol
