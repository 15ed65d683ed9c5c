// What a single byte may be in a client's line. One table, so that the parser, the echo of a bad line and the check of
// a peer's client id cannot disagree.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

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

}  // namespace herd::protocol
