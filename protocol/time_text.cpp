#include "protocol/time_text.hpp"

#include "protocol/digits.hpp"
#include "protocol/limits.hpp"

namespace herd::protocol {
namespace {

constexpr std::size_t kSecondsDigits = 10;
constexpr std::size_t kNanosecondsDigits = 9;

static_assert(kMaxTimeBytes == kSecondsDigits + 1 + kNanosecondsDigits);

}  // namespace

Parsed<Nanoseconds> parse_time(std::string_view text) {
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
