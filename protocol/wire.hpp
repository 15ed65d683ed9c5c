// Writes and reads the msgpack of bodies (protocol/body.hpp). msgpack-c's packer and parser take several times as long;
// they are used for everything else (docs/decisions/0014-updates-by-hand.md). Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

#include "protocol/byte_order.hpp"

namespace herd::protocol::wire {

// The longest encoding of a number, and the longest head before the bytes of a text.
inline constexpr std::size_t kMaxNumberBytes = 9;
inline constexpr std::size_t kMaxTextHeadBytes = 3;

// ---- writing: each function returns the position after the bytes written. The caller guarantees enough space ----

template <typename Word>
char* put_word(char* at, std::uint8_t form, Word value) {
  *at++ = static_cast<char>(form);
  return put_big_endian(at, value);
}

// Each writes the shortest form, as msgpack-c's packer does.
inline char* put_unsigned(char* at, std::uint64_t value) {
  if (value < 0x80) {
    *at++ = static_cast<char>(value);
    return at;
  }
  if (value <= 0xFF) return put_word(at, 0xcc, static_cast<std::uint8_t>(value));
  if (value <= 0xFFFF) return put_word(at, 0xcd, static_cast<std::uint16_t>(value));
  if (value <= 0xFFFF'FFFF) return put_word(at, 0xce, static_cast<std::uint32_t>(value));
  return put_word(at, 0xcf, value);
}

inline char* put_signed(char* at, std::int64_t value) {
  if (value >= 0) return put_unsigned(at, static_cast<std::uint64_t>(value));
  if (value >= -32) {
    *at++ = static_cast<char>(value);
    return at;
  }
  if (value >= std::numeric_limits<std::int8_t>::min()) return put_word(at, 0xd0, static_cast<std::uint8_t>(value));
  if (value >= std::numeric_limits<std::int16_t>::min()) return put_word(at, 0xd1, static_cast<std::uint16_t>(value));
  if (value >= std::numeric_limits<std::int32_t>::min()) return put_word(at, 0xd2, static_cast<std::uint32_t>(value));
  return put_word(at, 0xd3, static_cast<std::uint64_t>(value));
}

// Writes the head of an array of `size` elements, which follow.
inline char* put_array_head(char* at, std::uint32_t size) {
  if (size < 16) {
    *at++ = static_cast<char>(0x90 | size);
    return at;
  }
  if (size <= 0xFFFF) return put_word(at, 0xdc, static_cast<std::uint16_t>(size));
  return put_word(at, 0xdd, size);
}

// Writes a text of less than 64 KiB.
inline char* put_text(char* at, std::string_view text) {
  if (text.size() < 32) {
    *at++ = static_cast<char>(0xa0 | text.size());
  } else if (text.size() <= 0xFF) {
    at = put_word(at, 0xd9, static_cast<std::uint8_t>(text.size()));
  } else {
    at = put_word(at, 0xda, static_cast<std::uint16_t>(text.size()));
  }
  text.copy(at, text.size());  // unlike memcpy, allows a null data() of an empty text
  return at + text.size();
}

// ---- reading ----

// Reads values one after the other, each in any form that msgpack has for it. A function returns false if the next
// value is of another type, is out of range, or is cut off; then the position of the reader is unspecified. To go on
// after such a value, skip() it with a copy of the reader that was made before.
class Reader {
 public:
  // skip() accepts at most this many levels.
  static constexpr std::size_t kMostLevels = 16;

  explicit Reader(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  [[nodiscard]] bool at_end() const { return at_ == end_; }

  // Reads the head of an array of any size.
  [[nodiscard]] bool array_head(std::uint32_t& size) {
    if (at_ == end_) return false;
    const auto form = static_cast<std::uint8_t>(*at_++);
    if ((form & 0xf0) == 0x90) {
      size = form & 0x0f;
      return true;
    }
    std::uint64_t read = 0;
    const bool known = (form == 0xdc && word<std::uint16_t>(read)) || (form == 0xdd && word<std::uint32_t>(read));
    size = static_cast<std::uint32_t>(read);
    return known;
  }

  [[nodiscard]] bool unsigned_number(std::uint64_t& value) {
    if (at_ == end_) return false;
    const auto form = static_cast<std::uint8_t>(*at_++);
    if (form < 0x80) {
      value = form;
      return true;
    }
    switch (form) {
      case 0xcc:
        return word<std::uint8_t>(value);
      case 0xcd:
        return word<std::uint16_t>(value);
      case 0xce:
        return word<std::uint32_t>(value);
      case 0xcf:
        return word<std::uint64_t>(value);
      default: {
        std::int64_t with_sign = 0;
        if (!signed_form(form, with_sign) || with_sign < 0) return false;
        value = static_cast<std::uint64_t>(with_sign);
        return true;
      }
    }
  }

  [[nodiscard]] bool signed_number(std::int64_t& value) {
    if (at_ == end_) return false;
    const auto form = static_cast<std::uint8_t>(*at_);
    if (form >= 0xd0) {
      ++at_;
      return signed_form(form, value);
    }
    std::uint64_t read = 0;
    if (!unsigned_number(read) || read > kMostSigned) return false;
    value = static_cast<std::int64_t>(read);
    return true;
  }

  // Reads a text of any length. The view points into the text being read.
  [[nodiscard]] bool text(std::string_view& value) {
    if (at_ == end_) return false;
    const auto form = static_cast<std::uint8_t>(*at_++);
    std::uint64_t size = form & 0x1f;
    if ((form & 0xe0) != 0xa0 && !text_size(form, size)) return false;
    if (static_cast<std::uint64_t>(end_ - at_) < size) return false;
    value = {at_, static_cast<std::size_t>(size)};
    at_ += size;
    return true;
  }

  // Skips a value of any type. False if it is cut off, is no msgpack, or has more than `levels` arrays and maps inside
  // each other. Takes time in proportion to its bytes, whatever sizes it states.
  [[nodiscard]] bool skip(std::size_t levels);

 private:
  struct Skipped {
    bool is_container = false;
    std::uint64_t inner = 0;  // values in the container
  };

  static constexpr auto kMostSigned = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

  [[nodiscard]] bool skip_head(Skipped& skipped);

  // Reads a negative number, or one in a form for signed numbers. `form`: its first byte, which was read.
  [[nodiscard]] bool signed_form(std::uint8_t form, std::int64_t& value) {
    switch (form) {
      case 0xd0:
        return signed_word<std::uint8_t>(value);
      case 0xd1:
        return signed_word<std::uint16_t>(value);
      case 0xd2:
        return signed_word<std::uint32_t>(value);
      case 0xd3:
        return signed_word<std::uint64_t>(value);
      default:
        value = std::int64_t{form} - 0x100;
        return form >= 0xe0;
    }
  }

  [[nodiscard]] bool text_size(std::uint8_t form, std::uint64_t& size) {
    switch (form) {
      case 0xd9:
        return word<std::uint8_t>(size);
      case 0xda:
        return word<std::uint16_t>(size);
      case 0xdb:
        return word<std::uint32_t>(size);
      default:
        return false;
    }
  }

  template <typename Word>
  [[nodiscard]] bool signed_word(std::int64_t& value) {
    constexpr unsigned kAbove = 64 - 8 * sizeof(Word);
    std::uint64_t read = 0;
    if (!word<Word>(read)) return false;
    value = static_cast<std::int64_t>(read << kAbove) >> kAbove;
    return true;
  }

  template <typename Word>
  [[nodiscard]] bool word(std::uint64_t& value) {
    if (static_cast<std::size_t>(end_ - at_) < sizeof(Word)) return false;
    value = big_endian_at<Word>(at_);
    at_ += sizeof(Word);
    return true;
  }

  const char* at_;
  const char* end_;
};

}  // namespace herd::protocol::wire
