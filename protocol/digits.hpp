// Reads runs of decimal digits from the front of a text: the one building block of coordinates, times and radii. Pure,
// without locale or allocation; whoever uses it decides how many digits are too many.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

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

// Takes all digits from the front of `text`.
[[nodiscard]] inline Digits take_digits(std::string_view& text) {
  Digits digits;
  while (digits.count < text.size() && text[digits.count] >= '0' && text[digits.count] <= '9') {
    digits.value = digits.value * 10 + static_cast<std::uint64_t>(text[digits.count] - '0');
    ++digits.count;
  }
  text.remove_prefix(digits.count);
  return digits;
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
