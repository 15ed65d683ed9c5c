#include "bus/store/packed_texts.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "protocol/byte_order.hpp"
#include "protocol/digits.hpp"

namespace herd::bus {
namespace {

using protocol::kPowersOfTen;
using protocol::little_endian;
using protocol::Nanoseconds;
using protocol::put_digits;

constexpr std::size_t kAtOnce = 8;                   // characters in a word; packed, 4 bytes
constexpr std::uint64_t kEach = 0x0101010101010101;  // multiplied by a byte: that byte eight times
constexpr std::uint32_t kSecondsDigits = 10;
constexpr std::uint32_t kNanosecondsDigits = 9;

// Whether each byte is from '*' to '9': 16 characters with different lower 4 bits. Only a byte outside that range
// causes a borrow or a carry.
bool can_be_packed(std::uint64_t word) {
  return (((word - kEach * '*') | (word + kEach * (0x7F - '9')) | word) & kEach * 0x80) == 0;
}

// The lower 4 bits of each byte, without gaps.
std::uint32_t packed(std::uint64_t word) {
  word &= kEach * 0x0F;
  word = (word | word >> 4) & 0x00FF00FF00FF00FF;
  word = (word | word >> 8) & 0x0000FFFF0000FFFF;
  return static_cast<std::uint32_t>(word | word >> 16);
}

// The inverse of packed(): digits begin at 0x30, the other characters (lower 4 bits of 10 or more) at 0x2A.
std::uint64_t unpacked(std::uint32_t half) {
  std::uint64_t word = half;
  word = (word | word << 16) & 0x0000FFFF0000FFFF;
  word = (word | word << 8) & 0x00FF00FF00FF00FF;
  word = (word | word << 4) & (kEach * 0x0F);
  const std::uint64_t no_digits = (word + kEach * 6) & (kEach * 0x10);
  return word + kEach * '0' - no_digits;
}

// Characters with 4 bits each, the first one lowest.
constexpr unsigned kBits = 4;
constexpr std::uint64_t kEachHalf = 0x1111111111111111;  // multiplied by 4 bits: those sixteen times
constexpr unsigned kMinus = '-' & 0xF;
constexpr unsigned kPoint = '.' & 0xF;
constexpr unsigned kUnitDigits = 7;                // of a fraction in a Point; one more decides the rounding
constexpr unsigned kReadDigits = kUnitDigits + 1;  // of each fraction
static_assert(kPowersOfTen[kUnitDigits] == protocol::kUnitsPerDegree);

// The digits at the front. At most 16.
unsigned leading_digits(std::uint64_t halves) {
  const std::uint64_t no_digits = halves & (halves << 1 | halves << 2) & kEachHalf * 8;  // 10 or more
  return static_cast<unsigned>(std::countr_zero(no_digits)) / kBits;
}

// The value of the first `count` digits, at most 8, as if zeros followed them.
std::uint64_t value_of_first(std::uint64_t halves, unsigned count) {
  std::uint64_t bytes = halves & ((std::uint64_t{1} << count * kBits) - 1);
  bytes = (bytes | bytes << 16) & 0x0000FFFF0000FFFF;
  bytes = (bytes | bytes << 8) & 0x00FF00FF00FF00FF;
  bytes = (bytes | bytes << 4) & (kEach * 0x0F);
  return protocol::value_of_eight_digits(bytes);
}

class PackedNumbers {
 public:
  PackedNumbers(const char* from, std::size_t characters) : from_(from), end_(characters) {}

  // Reads a sign and a decimal, in units of 1e-7 rounded half away from zero.
  std::int32_t take_units() {
    std::uint64_t halves = front();
    const bool is_negative = (halves & 0xF) == kMinus;
    halves >>= kBits;
    const unsigned whole = std::min(leading_digits(halves), kMaxWhole);
    std::uint64_t value =
        value_of_first(halves << (kReadDigits - whole) * kBits, kReadDigits) * kPowersOfTen[kReadDigits];
    halves >>= whole * kBits;
    at_ += 1 + whole;
    if ((halves & 0xF) == kPoint) {
      halves >>= kBits;
      const unsigned fraction = std::min(leading_digits(halves), kReadDigits);
      value += value_of_first(halves, fraction);
      at_ += 1 + fraction;
      if (fraction == kReadDigits) pass_digits();
    }
    const auto units = static_cast<std::int32_t>((value + 5) / 10);
    return is_negative ? -units : units;
  }

 private:
  static constexpr unsigned kMaxWhole = 3;
  static constexpr unsigned kAtOnceHalves = 15;  // of front(); more than a sign, 3 digits, a point and 8 digits
  static_assert(1 + kMaxWhole + 1 + kReadDigits < kAtOnceHalves);

  // The next characters, at least kAtOnceHalves. Those after the end are not digits.
  [[nodiscard]] std::uint64_t front() const {
    if (at_ >= end_) return ~std::uint64_t{0};
    std::uint64_t halves = 0;
    std::memcpy(&halves, from_ + at_ / 2, sizeof halves);
    halves = little_endian(halves) >> at_ % 2 * kBits;
    const std::size_t rest = end_ - at_;
    return rest <= kAtOnceHalves ? halves | ~std::uint64_t{0} << rest * kBits : halves;
  }
  void pass_digits() {
    for (unsigned digits = kAtOnceHalves; digits == kAtOnceHalves; at_ += digits) {
      digits = std::min(leading_digits(front()), kAtOnceHalves);
    }
  }

  const char* from_;
  std::size_t end_;
  std::size_t at_ = 0;
};

}  // namespace

bool pack_coordinates(std::string_view text, char* to) {
  const auto pack_word = [&to](std::uint64_t word) {
    const std::uint32_t half = little_endian(packed(word));
    std::memcpy(to, &half, sizeof half);
    to += sizeof half;
    return can_be_packed(word);
  };
  const auto word_at = [](const char* at) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    return little_endian(word);
  };
  const std::size_t rest = text.size() % kAtOnce;
  const char* at = text.data();
  for (const char* const end = at + (text.size() - rest); at != end; at += kAtOnce) {
    if (!pack_word(word_at(at))) return false;
  }
  if (rest == 0) return true;
  std::uint64_t last = kEach * '0';  // pads the last word
  if (text.size() > kAtOnce) {
    const unsigned before = 8 * static_cast<unsigned>(kAtOnce - rest);
    last = last << (64 - before) | word_at(at + rest - kAtOnce) >> before;
  } else {
    for (std::size_t i = rest; i-- > 0;) last = last << 8 | static_cast<unsigned char>(at[i]);
  }
  return pack_word(last);
}

void unpack_coordinates(const char* from, std::size_t characters, CoordinatesText& to) {
  characters = std::min(characters, protocol::kMaxCoordinatesBytes);
  to.set_size(characters);
  char* at = to.data();
  for (std::size_t done = 0; done < characters; done += kAtOnce, from += kAtOnce / 2, at += kAtOnce) {
    std::uint32_t half = 0;
    std::memcpy(&half, from, sizeof half);
    const std::uint64_t word = little_endian(unpacked(little_endian(half)));
    std::memcpy(at, &word, sizeof word);
  }
}

protocol::Point packed_point(const char* from, std::size_t characters) {
  PackedNumbers numbers(from, characters);
  const std::int32_t latitude = numbers.take_units();
  return {latitude, numbers.take_units()};
}

std::optional<TimeForm> form_of(std::string_view text) {
  // Present times have 10 digits before the point, so that position is tried first.
  const bool is_usual = text.size() > kSecondsDigits && text[kSecondsDigits] == '.';
  const std::size_t point = is_usual ? kSecondsDigits : std::min(text.find('.'), text.size());
  const std::size_t fraction = text.size() - std::min(point + 1, text.size());
  if (point == 0 || point > kSecondsDigits || fraction > kNanosecondsDigits) return std::nullopt;
  if (fraction == 0 && point < text.size()) return std::nullopt;
  return TimeForm{static_cast<std::uint32_t>(point), static_cast<std::uint32_t>(fraction)};
}

void write_time(Nanoseconds time, const TimeForm& form, TimeText& to) {
  const std::uint32_t whole = std::min(form.whole, kSecondsDigits);
  const std::uint32_t fraction = std::min(form.fraction, kNanosecondsDigits);
  // Writes all digits at once, one byte too far right; then moves those before the point one byte left.
  const std::uint64_t digits = static_cast<std::uint64_t>(time.count()) / kPowersOfTen[kNanosecondsDigits - fraction];
  char* const at = to.data();
  to.set_size(whole);
  if (fraction == 0) return put_digits(at, digits, whole);
  put_digits(at + 1, digits, whole + fraction);
  std::memmove(at, at + 1, whole);
  at[whole] = '.';
  to.set_size(whole + 1 + fraction);
}

}  // namespace herd::bus
