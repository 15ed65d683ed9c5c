#include "protocol/time_text.hpp"

#include <bit>
#include <cstdint>
#include <optional>

#include "protocol/digits.hpp"
#include "protocol/limits.hpp"

namespace herd::protocol {
namespace {

constexpr std::size_t kSecondsDigits = 10;
constexpr std::size_t kNanosecondsDigits = 9;

static_assert(kMaxTimeBytes == kSecondsDigits + 1 + kNanosecondsDigits);

// The fast path for the usual form: ten digits, a point and nine digits. Reads the last eight digits on either side of
// the point at once, and the digits before them one by one. Returns nullopt for any other text, and for a time out of
// range.
std::optional<Nanoseconds> parse_whole_clock(std::string_view text) {
  if (text.size() != kMaxTimeBytes || text[kSecondsDigits] != '.') return std::nullopt;
  const auto digit = [&](std::size_t at) { return static_cast<std::uint64_t>(text[at]) - '0'; };
  const std::uint64_t low_seconds = eight_bytes_at(text.data() + kSecondsDigits - 8);
  const std::uint64_t low_nanoseconds = eight_bytes_at(text.data() + kMaxTimeBytes - 8);
  const std::uint64_t first = digit(0);
  const std::uint64_t second = digit(1);
  const std::uint64_t tenths = digit(kSecondsDigits + 1);
  if (first > 9 || second > 9 || tenths > 9) return std::nullopt;
  if ((non_digits(low_seconds) | non_digits(low_nanoseconds)) != 0) return std::nullopt;
  const std::uint64_t seconds = (first * 10 + second) * kPowersOfTen[8] + value_of_eight_digits(low_seconds);
  if (seconds >= static_cast<std::uint64_t>(kTimeSecondsEnd)) return std::nullopt;
  const std::uint64_t nanoseconds = tenths * kPowersOfTen[8] + value_of_eight_digits(low_nanoseconds);
  return std::chrono::seconds(seconds) + Nanoseconds(nanoseconds);
}

}  // namespace

Parsed<Nanoseconds> parse_time(std::string_view text) {
  if constexpr (std::endian::native == std::endian::little) {
    if (const auto time = parse_whole_clock(text)) return *time;
  }
  const Decimal seconds = take_decimal(text);
  if (!text.empty() || !seconds.has_form(kSecondsDigits, kNanosecondsDigits)) {
    return refuse("time is not one to ten digits with at most nine fraction digits");
  }
  if (seconds.whole.value >= static_cast<std::uint64_t>(kTimeSecondsEnd)) {
    return refuse("time is not below 9223372036 seconds");
  }
  const std::uint64_t nanoseconds = seconds.fraction.value * kPowersOfTen[kNanosecondsDigits - seconds.fraction.count];
  return std::chrono::seconds(seconds.whole.value) + Nanoseconds(nanoseconds);
}

}  // namespace herd::protocol
