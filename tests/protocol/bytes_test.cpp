#include "protocol/bytes.hpp"

#include <string>

#include "tests/catch.hpp"

using namespace herd::protocol;

TEST_CASE("each byte is text, white space or forbidden") {
  CHECK(class_of(' ') == ByteClass::Blank);
  CHECK(class_of('\r') == ByteClass::Blank);
  CHECK(class_of('\n') == ByteClass::Forbidden);
  CHECK(class_of('\x1f') == ByteClass::Forbidden);
  CHECK(class_of('\x7f') == ByteClass::Forbidden);
  CHECK(class_of('\xff') == ByteClass::Forbidden);
  CHECK(class_of('!') == ByteClass::Text);
  CHECK(class_of('~') == ByteClass::Text);
  CHECK(class_of('\x80') == ByteClass::Text);
  CHECK(class_of('\xfe') == ByteClass::Text);
}

TEST_CASE("text ends at the first byte that is not text, at any position") {
  for (const char filler : {'!', '~', '\x80', '\xfe'}) {
    for (std::size_t at = 0; at < 20; ++at) {
      for (int value = 0; value <= 0xFF; ++value) {
        std::string bytes(20, filler);
        bytes[at] = static_cast<char>(value);
        bytes[19] = ' ';
        const std::size_t end = class_of(static_cast<char>(value)) == ByteClass::Text ? 19 : at;
        if (text_length(bytes) != end) {
          FAIL("byte " << value << " at " << at << " in a row of " << static_cast<int>(filler));
        }
      }
    }
  }
  CHECK(text_length("") == 0);
  CHECK(text_length("1234567") == 7);
  CHECK(text_length("12345678") == 8);
}
