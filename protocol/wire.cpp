#include "protocol/wire.hpp"

#include <array>

#include "protocol/assert.hpp"

namespace herd::protocol::wire {
namespace {

enum class Type : std::uint8_t { Plain, Array, Map, None };

// What follows the first byte of a value: a length of `length_bytes`, then as many bytes (or elements, or pairs of a
// map) as it says and `more_bytes` besides.
struct Form {
  std::uint8_t length_bytes = 0;
  std::uint8_t more_bytes = 0;
  Type type = Type::Plain;
};

// The forms with a first byte of 0xc0 to 0xdf.
constexpr std::array<Form, 32> kForms{{
    {0, 0},               // c0: nil
    {0, 0, Type::None},   // c1: never used
    {0, 0},               // c2: false
    {0, 0},               // c3: true
    {1, 0},               // c4: bin, length of 1 byte
    {2, 0},               // c5: bin, length of 2 bytes
    {4, 0},               // c6: bin, length of 4 bytes
    {1, 1},               // c7: ext, length of 1 byte, then a type of 1 byte
    {2, 1},               // c8: ext, length of 2 bytes, then a type of 1 byte
    {4, 1},               // c9: ext, length of 4 bytes, then a type of 1 byte
    {0, 4},               // ca: float
    {0, 8},               // cb: double
    {0, 1},               // cc: unsigned, 8 bits
    {0, 2},               // cd: unsigned, 16 bits
    {0, 4},               // ce: unsigned, 32 bits
    {0, 8},               // cf: unsigned, 64 bits
    {0, 1},               // d0: signed, 8 bits
    {0, 2},               // d1: signed, 16 bits
    {0, 4},               // d2: signed, 32 bits
    {0, 8},               // d3: signed, 64 bits
    {0, 2},               // d4: ext of 1 byte, after its type
    {0, 3},               // d5: ext of 2 bytes, after its type
    {0, 5},               // d6: ext of 4 bytes, after its type
    {0, 9},               // d7: ext of 8 bytes, after its type
    {0, 17},              // d8: ext of 16 bytes, after its type
    {1, 0},               // d9: text, length of 1 byte
    {2, 0},               // da: text, length of 2 bytes
    {4, 0},               // db: text, length of 4 bytes
    {2, 0, Type::Array},  // dc: array, size of 2 bytes
    {4, 0, Type::Array},  // dd: array, size of 4 bytes
    {2, 0, Type::Map},    // de: map, size of 2 bytes
    {4, 0, Type::Map},    // df: map, size of 4 bytes
}};

}  // namespace

bool Reader::skip(std::size_t levels) {
  HERD_ASSERT(levels <= kMostLevels);
  std::array<std::uint64_t, kMostLevels + 1> left{1};  // values to skip at each level; the value itself is at level 0
  for (std::size_t level = 0;;) {
    while (left[level] == 0) {
      if (level == 0) return true;
      --level;
    }
    --left[level];
    Skipped skipped;
    if (!skip_head(skipped)) return false;
    if (!skipped.is_container) continue;
    if (level == levels) return false;
    left[++level] = skipped.inner;
  }
}

// Skips a value other than an array or a map; of those, skips the head only.
bool Reader::skip_head(Skipped& skipped) {
  if (at_ == end_) return false;
  const auto first = static_cast<std::uint8_t>(*at_++);
  Form form;
  std::uint64_t length = 0;
  if (first >= 0xc0 && first < 0xe0) {
    form = kForms[first - 0xc0];
    if (form.length_bytes == 1 && !word<std::uint8_t>(length)) return false;
    if (form.length_bytes == 2 && !word<std::uint16_t>(length)) return false;
    if (form.length_bytes == 4 && !word<std::uint32_t>(length)) return false;
  } else if ((first & 0xe0) == 0xa0) {
    length = first & 0x1f;
  } else if ((first & 0xe0) == 0x80) {
    form.type = first < 0x90 ? Type::Map : Type::Array;
    length = first & 0x0f;
  }
  if (form.type == Type::None) return false;
  if (form.type == Type::Plain) {
    const std::uint64_t bytes = length + form.more_bytes;
    if (static_cast<std::uint64_t>(end_ - at_) < bytes) return false;
    at_ += bytes;
    return true;
  }
  skipped = {true, form.type == Type::Map ? 2 * length : length};
  return true;
}

}  // namespace herd::protocol::wire
