// Writes and reads the few forms of msgpack that updates consist of. msgpack's own packer and parser take several times
// as long (docs/decisions/0014-updates-by-hand.md); they are used for all other messages. Pure; any thread.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>

namespace herd::protocol::wire {

// The longest encoding of a number, and the longest head before the bytes of a text.
inline constexpr std::size_t kMaxNumberBytes = 9;
inline constexpr std::size_t kMaxTextHeadBytes = 3;

// Converts between the machine's byte order and big-endian order (highest byte first), which msgpack uses.
template <typename Word>
[[nodiscard]] constexpr Word big_endian(Word word) {
  if constexpr (std::endian::native == std::endian::big || sizeof word == 1) return word;
  Word reversed = 0;
  for (std::size_t i = 0; i < sizeof word; ++i) {
    reversed = static_cast<Word>(reversed << 8 | (word & 0xFF));
    word = static_cast<Word>(word >> 8);
  }
  return reversed;
}

// ---- writing: each function returns the position after the bytes written. The caller guarantees enough space ----

template <typename Word>
char* put_word(char* at, std::uint8_t form, Word value) {
  *at++ = static_cast<char>(form);
  value = big_endian(value);
  std::memcpy(at, &value, sizeof value);
  return at + sizeof value;
}

// Writes a number in its shortest form, as msgpack's packer does.
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

// Reads the usual forms one after the other. Each function returns false if the next bytes are something else or the
// text ends. They may then still be valid msgpack in another form, so the caller decodes with the library instead; the
// position of the reader is unspecified.
class Reader {
 public:
  explicit Reader(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  [[nodiscard]] bool at_end() const { return at_ == end_; }

  // Reads the head of an array of exactly `size` elements, at most 15.
  [[nodiscard]] bool array(std::uint8_t size) {
    return at_ != end_ && static_cast<std::uint8_t>(*at_++) == (0x90 | size);
  }

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
      default:
        return false;
    }
  }

  [[nodiscard]] bool signed_number(std::int64_t& value) {
    if (at_ == end_) return false;
    switch (const auto form = static_cast<std::uint8_t>(*at_); form) {
      case 0xd0:
        ++at_;
        return signed_word<std::uint8_t>(value);
      case 0xd1:
        ++at_;
        return signed_word<std::uint16_t>(value);
      case 0xd2:
        ++at_;
        return signed_word<std::uint32_t>(value);
      case 0xd3:
        ++at_;
        return signed_word<std::uint64_t>(value);
      default: {
        if (form >= 0xe0) {
          ++at_;
          value = std::int64_t{form} - 0x100;
          return true;
        }
        std::uint64_t read = 0;
        if (!unsigned_number(read) || read > kMostSigned) return false;
        value = static_cast<std::int64_t>(read);
        return true;
      }
    }
  }

  // Reads a text of at most 255 bytes. The view points into the text being read.
  [[nodiscard]] bool text(std::string_view& value) {
    if (at_ == end_) return false;
    const auto form = static_cast<std::uint8_t>(*at_++);
    std::size_t size = form & 0x1f;
    if (form == 0xd9) {
      if (at_ == end_) return false;
      size = static_cast<std::uint8_t>(*at_++);
    } else if ((form & 0xe0) != 0xa0) {
      return false;
    }
    if (static_cast<std::size_t>(end_ - at_) < size) return false;
    value = {at_, size};
    at_ += size;
    return true;
  }

 private:
  static constexpr auto kMostSigned = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

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
    Word read = 0;
    std::memcpy(&read, at_, sizeof read);
    at_ += sizeof read;
    value = big_endian(read);
    return true;
  }

  const char* at_;
  const char* end_;
};

}  // namespace herd::protocol::wire
