#include "node/api/phone_payload.hpp"

#include <limits>
#include <map>
#include <string>

#include "node/api/phone_json.hpp"
#include "tests/catch.hpp"

namespace herd::node::api {
namespace {

TEST_CASE("times of apps become times of IAMAT") {
  for (const auto& [text, time] :
       std::map<std::string, std::string>{{"0", "0"},
                                          {"1497476456", "1497476456"},
                                          {"1497476456.0", "1497476456"},
                                          {"1497476456.123456789", "1497476456.123456789"},
                                          {"1497476456.1234567899", "1497476456.123456789"},
                                          {"99999999999", ""},  // seconds after the last second of IAMAT
                                          {"100000000000", "100000000"},
                                          {"1497476456250", "1497476456.25"},
                                          {"1497476456250.5", "1497476456.2505"},
                                          {"9223372035999", "9223372035.999"},
                                          {"9223372036000", ""},
                                          {"1970-01-01T00:00:00Z", "0"},
                                          {"1969-12-31T23:59:59Z", ""},
                                          {"2018-03-15T06:36:25.226Z", "1521095785.226"},
                                          {"2018-03-15T09:36:25.226+03:00", "1521095785.226"},
                                          {"2018-03-15T09:36:25.226 03:00", "1521095785.226"},
                                          {"2018-03-15T03:06:25-0330", "1521095785"},
                                          {"2018-03-15 06:36:25", "1521095785"},
                                          {"2018-03-15+06:36:25", "1521095785"},
                                          {"2018-03-15t06:36z", "1521095760"},
                                          {"2016-12-31T23:59:60Z", "1483228800"},
                                          {"2016-02-29T00:00:00Z", "1456704000"},
                                          {"2017-02-29T00:00:00Z", ""},
                                          {"2018-13-15T06:36:25Z", ""},
                                          {"2018-03-15T24:00:00Z", ""},
                                          {"2018-03-15", ""},
                                          {"2018-03-15T06:36:25.Z", ""},
                                          {"2018-03-15T06:36:25+3", ""},
                                          {"2018-03-15T06:36:25Zx", ""},
                                          {"2018-03-1506:36:25", ""},
                                          {"", ""},
                                          {".5", ""},
                                          {"5.", ""},
                                          {"+5", ""},
                                          {"-5", ""},
                                          {"1.5e9", ""},
                                          {"NaN", ""},
                                          {"9999999999999999999", ""},
                                          {"1497476456 ", ""}}) {
    INFO(text);
    CHECK(phone_time(text).value_or("") == time);
  }
}

TEST_CASE("numbers are read as Java and JavaScript print them") {
  CHECK(phone_number("1.0E-4") == 1e-4);
  CHECK(phone_number("-0.1278") == -0.1278);
  CHECK(phone_number("+52.5") == 52.5);
  for (const char* text : {"", "NaN", "inf", "-Infinity", "1e999", "1,5", "5 ", "++5", "0x10", "{0}"}) {
    INFO(text);
    CHECK_FALSE(phone_number(text));
  }
}

TEST_CASE("coordinates have a sign and 7 fraction digits, within the range") {
  const auto coordinates = [](double latitude, double longitude) {
    PhonePayload payload;
    add_position(payload, {"a", latitude, longitude, "5"});
    return payload.reports.empty() ? std::string() : payload.reports[0].coordinates;
  };
  CHECK(coordinates(34.068930, -118.445127) == "+34.0689300-118.4451270");
  CHECK(coordinates(90, 180) == "+90.0000000+180.0000000");
  CHECK(coordinates(-90, -180) == "-90.0000000-180.0000000");
  CHECK(coordinates(0.00000004, -0.0) == "+0.0000000-0.0000000");
  CHECK(coordinates(90.00000001, 0).empty());
  CHECK(coordinates(0, 180.00000001).empty());
  CHECK(coordinates(std::numeric_limits<double>::quiet_NaN(), 0).empty());
  CHECK(coordinates(0, std::numeric_limits<double>::infinity()).empty());
}

TEST_CASE("JSON may be nested to a bound, and words that are no JSON count as null outside strings") {
  const auto nested = [](int depth) {
    return std::string(static_cast<std::size_t>(depth), '[') + std::string(static_cast<std::size_t>(depth), ']');
  };
  CHECK(parse_phone_json(nested(kMaxPhoneJsonDepth)));
  CHECK_FALSE(parse_phone_json(nested(kMaxPhoneJsonDepth + 1)));
  CHECK(parse_phone_json(R"(["[[[[[[[[[[[[[[[[[[", "\"[[[[[[[[[[[[[[[[[", "\\"])"));
  const auto read = parse_phone_json(R"({"a":NaN,"b":-Infinity,"c":"NaN","d":[Infinity]})");
  REQUIRE(read);
  CHECK(member_of(*read, "a") == nullptr);
  CHECK(member_of(*read, "b") == nullptr);
  CHECK(text_member(*read, "c") == "NaN");
  CHECK_FALSE(number_member(*read, "c"));
  CHECK(text_member(*read, "d").empty());
  CHECK_FALSE(parse_phone_json("nan"));
  CHECK_FALSE(parse_phone_json(R"({"a":1}x)"));
}

}  // namespace
}  // namespace herd::node::api
