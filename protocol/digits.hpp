// Reads decimal digits from the front of a text, and writes them. Coordinates, times and radii are parsed with it.
// Pure, without locale or allocation; any thread. The caller decides how many digits are allowed.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "protocol/byte_order.hpp"

namespace herd::protocol {

inline constexpr std::size_t kMaxExactDigits = 18;  // a number of at most 18 digits fits a 64-bit integer

inline constexpr std::array<std::uint64_t, kMaxExactDigits + 1> kPowersOfTen = [] {
  std::array<std::uint64_t, kMaxExactDigits + 1> powers{};
  std::uint64_t power = 1;
  for (auto& entry : powers) {
    entry = power;
    power *= 10;
  }
  return powers;
}();

struct Digits {
  std::uint64_t value = 0;  // exact up to kMaxExactDigits digits, else meaningless
  std::size_t count = 0;    // the number of digits, leading zeros included
};

// Returns the value of eight digits, each a byte of 0 to 9 with the first digit in the lowest byte of `word`; fewer
// digits have leading zeros. Neighbours are joined to pairs, pairs to groups of four, and those to eight: each
// multiplication adds 10, 100 or 10,000 times the left group to the right group.
[[nodiscard]] constexpr std::uint64_t value_of_eight_digits(std::uint64_t word) {
  word = (word * (10 << 8 | 1)) >> 8 & 0x00FF00FF00FF00FF;
  word = (word * (std::uint64_t{100} << 16 | 1)) >> 16 & 0x0000FFFF0000FFFF;
  return (word * (std::uint64_t{10'000} << 32 | 1)) >> 32;
}

// Reads the eight bytes at `at`, the first one into the lowest byte, and maps '0' to '9' to 0 to 9. No other byte is
// mapped to 0 to 9.
[[nodiscard]] inline std::uint64_t eight_bytes_at(const char* at) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word ^ 0x3030303030303030;
}

// Returns a word with the high bit set in each byte of `word` that is not a digit (0 to 9).
[[nodiscard]] constexpr std::uint64_t non_digits(std::uint64_t word) {
  constexpr std::uint64_t kEach = 0x0101010101010101;  // times a byte: that byte eight times
  return (((word & kEach * 0x7F) + kEach * (0x80 - 10)) | word) & kEach * 0x80;
}

// Returns the number of digits at the front of the eight bytes of `word`.
[[nodiscard]] constexpr unsigned leading_digits(std::uint64_t word) {
  return static_cast<unsigned>(std::countr_zero(non_digits(word))) / 8;
}

// Reads the digits at the front of the eight bytes at `at`.
[[nodiscard]] inline Digits up_to_eight_digits(const char* at) {
  const std::uint64_t word = eight_bytes_at(at);
  const unsigned count = leading_digits(word);
  return {count == 0 ? 0 : value_of_eight_digits(word << (64 - 8 * count)), count};
}

// Returns the number of digits at the front of `text`.
[[nodiscard]] inline std::size_t digits_length(std::string_view text) {
  std::size_t length = 0;
  if constexpr (std::endian::native == std::endian::little) {
    for (; text.size() - length >= 8; length += 8) {
      const unsigned count = leading_digits(eight_bytes_at(text.data() + length));
      if (count < 8) return length + count;
    }
  }
  while (length < text.size() && text[length] >= '0' && text[length] <= '9') ++length;
  return length;
}

// Removes all digits from the front of `text`. On little-endian machines it reads eight at a time: reading them one by
// one would be half of the cost of a command.
[[nodiscard]] inline Digits take_digits(std::string_view& text) {
  Digits digits;
  if constexpr (std::endian::native == std::endian::little) {
    while (text.size() >= 8) {
      const Digits next = up_to_eight_digits(text.data());
      digits.value = digits.value * kPowersOfTen[next.count] + next.value;
      digits.count += next.count;
      text.remove_prefix(next.count);
      if (next.count < 8) return digits;
    }
  }
  std::size_t count = 0;
  while (count < text.size() && text[count] >= '0' && text[count] <= '9') {
    digits.value = digits.value * 10 + static_cast<std::uint64_t>(text[count] - '0');
    ++count;
  }
  digits.count += count;
  text.remove_prefix(count);
  return digits;
}

// Returns the eight digits of a number below 10^8 as text, the first one in the lowest byte. The number is split into
// two groups of four digits, those into pairs, and those into digits, in all fields of the word at once. Each division
// is a multiplication that is exact for every value of its field.
[[nodiscard]] constexpr std::uint64_t eight_digits_of(std::uint64_t value) {
  const std::uint64_t fours = value / 10'000 | value % 10'000 << 32;
  const std::uint64_t hundreds = (fours * 5243 >> 19) & 0x0000007F0000007F;
  const std::uint64_t pairs = hundreds | (fours - hundreds * 100) << 16;
  const std::uint64_t tens = (pairs * 103 >> 10) & 0x000F000F000F000F;
  return (tens | (pairs - tens * 10) << 8) + 0x3030303030303030;
}

// Writes `value` with exactly `count` digits, leading zeros included. `count` is at most 23, and `value` has no more
// digits. There must be space for at least eight bytes at `at`: bytes after the digits may be overwritten up to there.
inline void put_digits(char* at, std::uint64_t value, std::size_t count) {
  const auto put = [](char* to, std::uint64_t word) { put_number(to, word, sizeof word); };
  const std::size_t front = count % 8;
  const std::uint64_t low = value % kPowersOfTen[8];
  const std::uint64_t above = value / kPowersOfTen[8];
  if (count < 8) return put(at, eight_digits_of(low) >> (8 * (7 - front)) >> 8);
  const std::uint64_t middle = above % kPowersOfTen[8];
  const std::uint64_t high = count < 16 ? middle : above / kPowersOfTen[8];
  put(at, eight_digits_of(high) >> (8 * (7 - front)) >> 8);
  if (count >= 16) put(at + front, eight_digits_of(middle));
  put(at + count - 8, eight_digits_of(low));
}

struct Decimal {
  Digits whole;
  Digits fraction;     // count 0 without a point
  bool point = false;  // there is a point, with or without digits after it

  // Whether there are digits before the point and, if there is a point, after it, and at most the given numbers of
  // them.
  [[nodiscard]] bool has_form(std::size_t max_whole, std::size_t max_fraction) const {
    return whole.count >= 1 && whole.count <= max_whole && (fraction.count >= 1) == point &&
           fraction.count <= max_fraction;
  }

  // Compares the digits exactly, not a rounded value.
  [[nodiscard]] bool is_above(std::uint64_t bound) const {
    return whole.value > bound || (whole.value == bound && fraction.value > 0);
  }

  // The nearest double, or one of its neighbours. Whole and fraction must have at most kMaxExactDigits digits together.
  [[nodiscard]] double as_double() const {
    const std::uint64_t scale = kPowersOfTen[fraction.count];
    return static_cast<double>(whole.value * scale + fraction.value) / static_cast<double>(scale);
  }
};

// Removes digits, and a point and more digits if they follow, from the front of `text`.
[[nodiscard]] inline Decimal take_decimal(std::string_view& text) {
  Decimal decimal;
  decimal.whole = take_digits(text);
  if (!text.empty() && text.front() == '.') {
    text.remove_prefix(1);
    decimal.point = true;
    decimal.fraction = take_digits(text);
  }
  return decimal;
}

}  // namespace herd::protocol
