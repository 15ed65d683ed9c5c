#include "node/base/json_text.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace herd::node {
namespace {

bool is_plain(char c) {
  return c >= ' ' && c < 0x7F && c != '"' && c != '\\';
}

// How a character of several bytes begins: RFC 3629, section 4.
struct FirstByte {
  std::size_t length = 0;  // of the character in bytes; 0: no character begins with this byte
  unsigned char least = 0x80;
  unsigned char most = 0xBF;  // of the second byte
};

FirstByte first_byte(unsigned char byte) {
  if (byte < 0xC2 || byte > 0xF4) return {};
  if (byte < 0xE0) return {2};
  if (byte == 0xE0) return {3, 0xA0};
  if (byte == 0xED) return {3, 0x80, 0x9F};
  if (byte < 0xF0) return {3};
  if (byte == 0xF0) return {4, 0x90};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  return {4};
}

// A character of several bytes, or the beginning of one: the bytes that one U+FFFD replaces.
struct Character {
  std::size_t length = 1;
  bool is_valid = false;
};

Character character_at(std::string_view text) {
  const FirstByte first = first_byte(static_cast<unsigned char>(text[0]));
  std::size_t count = 1;
  while (count < std::min(first.length, text.size())) {
    const auto byte = static_cast<unsigned char>(text[count]);
    const bool is_second = count == 1;
    if (byte < (is_second ? first.least : 0x80) || byte > (is_second ? first.most : 0xBF)) break;
    ++count;
  }
  return {count, count == first.length};
}

// A control character as `\n` or `\u001b`.
template <typename Append>
void escape_control(const Append& append, unsigned char code) {
  switch (code) {
    case '\b':
      return append("\\b");
    case '\f':
      return append("\\f");
    case '\n':
      return append("\\n");
    case '\r':
      return append("\\r");
    case '\t':
      return append("\\t");
    default:
      break;
  }
  constexpr std::string_view kDigits = "0123456789abcdef";
  const std::array<char, 6> escape{'\\', 'u', '0', '0', kDigits[code >> 4U], kDigits[code & 0xFU]};
  append({escape.data(), escape.size()});
}

// Calls `append` with the pieces of the escaped text.
template <typename Append>
void escape(std::string_view text, const Append& append) {
  while (!text.empty()) {
    const auto plain = static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_plain) - text.begin());
    if (plain > 0) append(text.substr(0, plain));  // names, coordinates, times, most texts of places: all of it
    text.remove_prefix(plain);
    if (text.empty()) return;
    const auto byte = static_cast<unsigned char>(text[0]);
    Character next{1, true};
    if (byte < ' ') {
      escape_control(append, byte);
    } else if (byte == '"' || byte == '\\') {
      append(byte == '"' ? "\\\"" : "\\\\");
    } else if (byte < 0x80) {
      append(text.substr(0, 1));
    } else {
      next = character_at(text);
      const auto second = next.length > 1 ? static_cast<unsigned char>(text[1]) : 0U;
      if (byte == 0xC2 && next.is_valid && second < 0xA0) {  // U+009B, for example, is ESC [ to a terminal
        escape_control(append, static_cast<unsigned char>(second));
      } else {
        append(next.is_valid ? text.substr(0, next.length) : kReplacementCharacter);
      }
    }
    text.remove_prefix(next.length);
  }
}

}  // namespace

void append_json_text(std::string& out, std::string_view text) {
  escape(text, [&out](std::string_view piece) { out += piece; });
}

void append_json_text(fmt::appender out, std::string_view text) {
  escape(text, [&out](std::string_view piece) { out = std::copy(piece.begin(), piece.end(), out); });
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  append_json_text(out, text);
  out += '"';
}

}  // namespace herd::node
