#include "protocol/telnet.hpp"

#include <string>
#include <string_view>

#include "tests/catch.hpp"

using herd::protocol::TelnetFilter;

namespace {

std::string text_of(std::string_view bytes) {
  TelnetFilter filter;
  std::string text;
  for (const char byte : bytes) {
    if (filter.is_text(byte)) {
      text.push_back(byte);
    }
  }
  return text;
}

}  // namespace

TEST_CASE("a telnet command of two bytes is skipped") {
  CHECK(text_of("a\xFF\xF1"
                "b") == "ab");
  CHECK(text_of("a\xFF\xF0"
                "b") == "ab");
}

TEST_CASE("a negotiation of three bytes is skipped with its option") {
  for (const char command : {'\xFB', '\xFC', '\xFD', '\xFE'}) {
    CHECK(text_of(std::string("a\xFF") + command + "\x18z") == "az");
  }
}

TEST_CASE("a subnegotiation is skipped up to IAC SE, also with IAC IAC and line ends inside it") {
  CHECK(text_of("a\xFF\xFA\x18x\r\n\xFF\xFFy\xFF\xF0z") == "az");
}

TEST_CASE("IAC IAC is the byte FF") {
  CHECK(text_of("a\xFF\xFFz") == "a\xFFz");
}

TEST_CASE("the bytes of a subnegotiation are counted until it ends") {
  TelnetFilter filter;
  for (const char byte : std::string_view("\xFF\xFA\x18xy\xFF\xFF")) {
    CHECK_FALSE(filter.is_text(byte));
  }
  CHECK(filter.subnegotiation_bytes() == 4);
  CHECK_FALSE(filter.is_idle());
  CHECK_FALSE(filter.is_text('\xFF'));
  CHECK_FALSE(filter.is_text('\xF0'));
  CHECK(filter.subnegotiation_bytes() == 0);
  CHECK(filter.is_idle());
}

TEST_CASE("requests for a timing mark are counted, and sequences that resemble one are not") {
  TelnetFilter filter;
  const auto marks_of = [&](std::string_view bytes) {
    for (const char byte : bytes) (void)filter.is_text(byte);
    CHECK(filter.is_idle());
    return filter.take_timing_marks();
  };
  CHECK(marks_of("\xFF\xFD\x06") == 1);
  CHECK(marks_of("") == 0);  // the count was taken
  CHECK(marks_of("a\xFF\xFD\x06"
                 "b\xFF\xFD\x06\xFF\xFD\x06\x06") == 3);
  CHECK(marks_of("\xFF\xFB\x06\xFF\xFC\x06\xFF\xFE\x06") == 0);
  CHECK(marks_of("\xFF\xFD\x01\xFF\xFD\xFF\x06") == 0);
  CHECK(marks_of("\xFF\xFF\xFD\x06") == 0);
  CHECK(marks_of("\xFF\xFA\x18\xFF\xFD\x06\xFF\xF0") == 0);
  CHECK(marks_of("\xFF\xF4\xFF\xF2\xFF\xFD\x06") == 1);
}
