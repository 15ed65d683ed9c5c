#include "protocol/time_text.hpp"

#include "tests/catch.hpp"

using herd::protocol::Nanoseconds;
using herd::protocol::parse_time;

TEST_CASE("a time is exact to the nanosecond") {
  CHECK(parse_time("1520023934.918963997").value() == Nanoseconds(1'520'023'934'918'963'997));
  CHECK(parse_time("1520023934").value() == Nanoseconds(1'520'023'934'000'000'000));
  CHECK(parse_time("0").value() == Nanoseconds(0));
  CHECK(parse_time("0.000000001").value() == Nanoseconds(1));
  CHECK(parse_time("5.0").value() == parse_time("5").value());
  CHECK(parse_time("5.1").value() == Nanoseconds(5'100'000'000));
  CHECK(parse_time("0000000005").value() == Nanoseconds(5'000'000'000));
}

TEST_CASE("a time must be below 9223372036 seconds") {
  CHECK(parse_time("9223372035.999999999").value() == Nanoseconds(9'223'372'035'999'999'999));
  CHECK(parse_time("9223372036").error() == "time is not below 9223372036 seconds");
  CHECK(parse_time("9223372036.0").error() == "time is not below 9223372036 seconds");
  CHECK_FALSE(parse_time("9999999999.999999999"));
}

TEST_CASE("a time has one to ten digits and at most nine fraction digits") {
  CHECK(parse_time("1"));
  CHECK(parse_time("1234567890.123456789"));
  CHECK_FALSE(parse_time(""));
  CHECK_FALSE(parse_time("00000000001"));
  CHECK_FALSE(parse_time("1.1234567890"));
  CHECK_FALSE(parse_time("1."));
  CHECK_FALSE(parse_time(".5"));
  CHECK_FALSE(parse_time("99999999999999999999999999"));
}

TEST_CASE("a time has no sign, no exponent and no other characters") {
  for (const char* text : {"-1", "+1", "1e9", "1,5", "0x10", "1 ", " 1", "1.5.5", "nan", "1.-5"}) {
    INFO(text);
    CHECK_FALSE(parse_time(text));
  }
}
