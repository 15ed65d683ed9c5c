// Reads runs of decimal digits from the front of a text, and writes them: the one building block of coordinates, times
// and radii. Pure, without locale or allocation; whoever uses it decides how many digits are too many.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "protocol/byte_order.hpp"

namespace herd::protocol {

inline constexpr std::size_t kMaxExactDigits =
    18;  // the longest run whose value always fits an unsigned 64-bit integer

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
  std::uint64_t value = 0;  // good up to kMaxExactDigits digits
  std::size_t count = 0;    // how many digits stood there; 0 for none
};

// The value of up to eight digits: the first one lowest in `word`, each as 0 to 9, leading zeros in front. Neighbours
// are joined to pairs, pairs to fours and fours to eight: each multiplication adds the ten-, hundred- or
// ten-thousandfold of the left one to the right one.
[[nodiscard]] constexpr std::uint64_t value_of_eight_digits(std::uint64_t word) {
  word = (word * (10 << 8 | 1)) >> 8 & 0x00FF00FF00FF00FF;
  word = (word * (std::uint64_t{100} << 16 | 1)) >> 16 & 0x0000FFFF0000FFFF;
  return (word * (std::uint64_t{10'000} << 32 | 1)) >> 32;
}

// The eight bytes that stand at `at`, the first one lowest, in which a digit is 0 to 9 and nothing else is.
[[nodiscard]] inline std::uint64_t eight_bytes_at(const char* at) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word ^ 0x3030303030303030;
}

// The highest bit of each of the eight that is no digit.
[[nodiscard]] constexpr std::uint64_t non_digits(std::uint64_t word) {
  constexpr std::uint64_t kEach = 0x0101010101010101;  // times a byte: that byte eight times
  return (((word & kEach * 0x7F) + kEach * (0x80 - 10)) | word) & kEach * 0x80;
}

// How many of the eight are digits, from the first on.
[[nodiscard]] constexpr unsigned leading_digits(std::uint64_t word) {
  return static_cast<unsigned>(std::countr_zero(non_digits(word))) / 8;
}

// The digits among the eight bytes that stand at `at`, from the first on.
[[nodiscard]] inline Digits up_to_eight_digits(const char* at) {
  const std::uint64_t word = eight_bytes_at(at);
  const unsigned count = leading_digits(word);
  return {count == 0 ? 0 : value_of_eight_digits(word << (64 - 8 * count)), count};
}

// How many digits stand in front.
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

// Takes all digits from the front of `text`, eight at a time where the processor keeps the first byte lowest: reading
// them one by one would be half of what a command costs.
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

// The digits of a number below 10^8 as text, the first one lowest. The number is cut into fours, these into pairs and
// those into digits, in all fields of the word at once; each division is a multiplication that is exact for what a
// field can hold.
[[nodiscard]] constexpr std::uint64_t eight_digits_of(std::uint64_t value) {
  const std::uint64_t fours = value / 10'000 | value % 10'000 << 32;
  const std::uint64_t hundreds = (fours * 5243 >> 19) & 0x0000007F0000007F;
  const std::uint64_t pairs = hundreds | (fours - hundreds * 100) << 16;
  const std::uint64_t tens = (pairs * 103 >> 10) & 0x000F000F000F000F;
  return (tens | (pairs - tens * 10) << 8) + 0x3030303030303030;
}

// Writes `count` digits, at most 23, of a number that has no more. What stands behind them may be overwritten, up to
// eight bytes from `at` on.
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
  Digits fraction;     // count 0 where no point stands
  bool point = false;  // a point stands, perhaps with nothing behind it

  // Digits before and, if there is a point, behind it, and no more of them than allowed.
  [[nodiscard]] bool has_form(std::size_t max_whole, std::size_t max_fraction) const {
    return whole.count >= 1 && whole.count <= max_whole && (fraction.count >= 1) == point &&
           fraction.count <= max_fraction;
  }

  // Judged on the digits, not on a rounded value.
  [[nodiscard]] bool is_above(std::uint64_t bound) const {
    return whole.value > bound || (whole.value == bound && fraction.value > 0);
  }

  // Whole and fraction digits together must not exceed kMaxExactDigits. Off by at most one unit in the last place.
  [[nodiscard]] double as_double() const {
    const std::uint64_t scale = kPowersOfTen[fraction.count];
    return static_cast<double>(whole.value * scale + fraction.value) / static_cast<double>(scale);
  }
};

// Takes digits, and a point with digits if they follow, from the front of `text`.
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
