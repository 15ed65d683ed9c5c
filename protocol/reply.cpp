#include "protocol/reply.hpp"

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>

#include "protocol/assert.hpp"
#include "protocol/bytes.hpp"
#include "protocol/digits.hpp"
#include "protocol/limits.hpp"
#include "protocol/small_texts.hpp"

namespace herd::protocol {
namespace {

constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;
constexpr std::size_t kFractionDigits = 9;
constexpr std::size_t kMaxSecondsBytes = 10;                                             // of 63 bits in nanoseconds
constexpr std::size_t kMaxDifferenceBytes = 1 + kMaxSecondsBytes + 1 + kFractionDigits;  // sign, seconds, point
constexpr std::size_t kMaxAtBytes = 3 + kMaxNameBytes + 1 + kMaxDifferenceBytes + 1 + kMaxClientBytes + 1 +
                                    kMaxCoordinatesBytes + 1 + kMaxTimeBytes + 1;

void append_escaped_byte(std::string& out, char byte) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const auto value = static_cast<unsigned char>(byte);
  out.append({'\\', 'x', kDigits[value >> 4U], kDigits[value & 0xFU]});
}

// Computed with integers: a double of 1e9 seconds does not have nine exact fraction digits.
char* put_difference(char* at, Nanoseconds difference) {
  const bool negative = difference.count() < 0;
  auto magnitude = static_cast<std::uint64_t>(difference.count());
  if (negative) {
    magnitude = 0 - magnitude;
  }
  *at++ = negative ? '-' : '+';
  at = std::to_chars(at, at + kMaxSecondsBytes, magnitude / kNanosecondsPerSecond).ptr;
  *at++ = '.';
  put_digits(at, magnitude % kNanosecondsPerSecond, kFractionDigits);
  return at + kFractionDigits;
}

}  // namespace

// Builds the line on the stack, so that `out` grows only once.
void append_at(std::string& out, const AtLine& at) {
  std::array<char, kMaxAtBytes> bytes;
  HERD_ASSERT(at.node.size() <= kMaxNameBytes && at.client.size() <= kMaxClientBytes &&
              at.coordinates.size() <= kMaxCoordinatesBytes && at.time_text.size() <= kMaxTimeBytes);
  char* end = put_text(bytes.data(), "AT ");
  end = put_text(end, at.node);
  *end++ = ' ';
  end = put_difference(end, at.difference);
  *end++ = ' ';
  end = put_text(end, at.client);
  *end++ = ' ';
  end = put_text(end, at.coordinates);
  *end++ = ' ';
  end = put_text(end, at.time_text);
  *end++ = '\n';
  out.append(bytes.data(), static_cast<std::size_t>(end - bytes.data()));
}

void append_ignore(std::string& out) {
  out.append("IGNORE\n");
}

void append_unknown(std::string& out, std::string_view line) {
  out.append("? ");
  for (const char byte : line) {
    if (class_of(byte) == ByteClass::Forbidden) {
      append_escaped_byte(out, byte);
    } else {
      out.push_back(byte);
    }
  }
  out.push_back('\n');
}

std::string escape_for_log(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char byte : text) {
    if (byte == '\\') {
      out.append("\\\\");
    } else if (byte >= ' ' && byte <= '~') {
      out.push_back(byte);
    } else {
      append_escaped_byte(out, byte);
    }
  }
  return out;
}

}  // namespace herd::protocol
