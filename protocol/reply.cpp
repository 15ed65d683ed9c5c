#include "protocol/reply.hpp"

#include <charconv>
#include <cstddef>
#include <cstdint>

#include "protocol/bytes.hpp"

namespace herd::protocol {
namespace {

constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;
constexpr std::size_t kFractionDigits = 9;
constexpr std::size_t kMaxDifferenceBytes = 1 + 10 + 1 + kFractionDigits;  // sign, seconds of 63 bits, point

void append_escaped_byte(std::string& out, char byte) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const auto value = static_cast<unsigned char>(byte);
  out.append({'\\', 'x', kDigits[value >> 4U], kDigits[value & 0xFU]});
}

// Integers only: a double has no nine exact fraction digits left at 1e9 seconds.
void append_difference(std::string& out, Nanoseconds difference) {
  const bool negative = difference.count() < 0;
  auto magnitude = static_cast<std::uint64_t>(difference.count());
  if (negative) {
    magnitude = 0 - magnitude;
  }
  char text[kMaxDifferenceBytes];
  text[0] = negative ? '-' : '+';
  char* end = std::to_chars(text + 1, text + sizeof text, magnitude / kNanosecondsPerSecond).ptr;
  *end++ = '.';
  std::uint64_t fraction = magnitude % kNanosecondsPerSecond;
  for (std::size_t digit = kFractionDigits; digit-- > 0; fraction /= 10) {
    end[digit] = static_cast<char>('0' + fraction % 10);
  }
  out.append(text, static_cast<std::size_t>(end - text) + kFractionDigits);
}

}  // namespace

void append_at(std::string& out, const AtLine& at) {
  out.append("AT ").append(at.node).push_back(' ');
  append_difference(out, at.difference);
  out.push_back(' ');
  out.append(at.client).push_back(' ');
  out.append(at.coordinates).push_back(' ');
  out.append(at.time_text).push_back('\n');
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
