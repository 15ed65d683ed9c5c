#include "bus/packed_texts.hpp"

#include "protocol/digits.hpp"

namespace herd::bus {
namespace {

using protocol::Decimal;
using protocol::kPowersOfTen;

constexpr std::size_t kLatitudeDigits = 2;
constexpr std::size_t kLongitudeDigits = 3;
constexpr std::size_t kSecondsDigits = 10;
constexpr std::size_t kNanosecondsDigits = 9;
static_assert(kLatitudeDigits + protocol::kMaxFractionDigits < kBytesOfDigits.size());
static_assert(kLongitudeDigits + protocol::kMaxFractionDigits < kBytesOfDigits.size());
static_assert(kSecondsDigits + kNanosecondsDigits < kBytesOfDigits.size());
static_assert(protocol::kMaxFractionDigits <= 15, "four bits of a form hold it");

std::uint64_t joined(const Decimal& decimal) {
  return decimal.whole.value * kPowersOfTen[decimal.fraction.count] + decimal.fraction.value;
}

// Writes exactly `count` digits, from the last.
void put_digits(char* at, std::uint64_t value, unsigned count) {
  for (; count > 0; value /= 10) at[--count] = static_cast<char>('0' + value % 10);
}

// Returns the end. The digits are written one place too far right, and those in front of the point moved back.
char* put_decimal(char* at, std::uint64_t value, unsigned whole, unsigned fraction) {
  if (fraction == 0) {
    put_digits(at, value, whole);
    return at + whole;
  }
  put_digits(at + 1, value, whole + fraction);
  for (unsigned i = 0; i < whole; ++i) at[i] = at[i + 1];
  at[whole] = '.';
  return at + whole + 1 + fraction;
}

}  // namespace

std::int64_t PackedTime::nanoseconds() const {
  return static_cast<std::int64_t>(digits * kPowersOfTen[kNanosecondsDigits - fraction()]);
}

std::optional<PackedCoordinates> pack_coordinates(std::string_view text) {
  std::uint32_t negative = 0;
  const auto take_sign = [&](std::uint32_t bit) {
    if (text.empty() || (text.front() != '+' && text.front() != '-')) return false;
    if (text.front() == '-') negative |= bit;
    text.remove_prefix(1);
    return true;
  };
  if (!take_sign(1)) return std::nullopt;
  const Decimal latitude = protocol::take_decimal(text);
  if (!latitude.has_form(kLatitudeDigits, protocol::kMaxFractionDigits) || !take_sign(2)) return std::nullopt;
  const Decimal longitude = protocol::take_decimal(text);
  if (!longitude.has_form(kLongitudeDigits, protocol::kMaxFractionDigits) || !text.empty()) return std::nullopt;
  const auto form = [](const Decimal& decimal, unsigned shift, unsigned whole_bits) {
    return static_cast<std::uint32_t>((decimal.whole.count - 1) | decimal.fraction.count << whole_bits) << shift;
  };
  return PackedCoordinates{negative | form(latitude, 2, 1) | form(longitude, 7, 2), joined(latitude),
                           joined(longitude)};
}

std::optional<PackedTime> pack_time(std::string_view text) {
  const Decimal time = protocol::take_decimal(text);
  if (!time.has_form(kSecondsDigits, kNanosecondsDigits) || !text.empty()) return std::nullopt;
  return PackedTime{static_cast<std::uint32_t>(time.whole.count | time.fraction.count << 4), joined(time)};
}

void unpack(const PackedCoordinates& packed, CoordinatesText& text) {
  char* at = text.data();
  *at++ = (packed.form & 1) != 0 ? '-' : '+';
  at = put_decimal(at, packed.latitude, packed.latitude_whole(), packed.latitude_fraction());
  *at++ = (packed.form & 2) != 0 ? '-' : '+';
  at = put_decimal(at, packed.longitude, packed.longitude_whole(), packed.longitude_fraction());
  text.set_size(static_cast<std::size_t>(at - text.data()));
}

void unpack(const PackedTime& packed, TimeText& text) {
  const char* end = put_decimal(text.data(), packed.digits, packed.whole(), packed.fraction());
  text.set_size(static_cast<std::size_t>(end - text.data()));
}

}  // namespace herd::bus
