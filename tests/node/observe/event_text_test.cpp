#include "node/observe/event_text.hpp"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "tests/catch.hpp"

namespace herd::node {
namespace {

std::string written(const FieldValue& value) {
  std::string out;
  append_field(out, {"x", value});
  return out;
}

TEST_CASE("each kind of value is written as JSON") {
  CHECK(written(true) == R"("x":true)");
  CHECK(written(false) == R"("x":false)");
  CHECK(written(std::numeric_limits<std::int64_t>::min()) == R"("x":-9223372036854775808)");
  CHECK(written(std::numeric_limits<std::uint64_t>::max()) == R"("x":18446744073709551615)");
  CHECK(written(-118.445127) == R"("x":-118.445127)");
  CHECK(written("kiwi.cs.ucla.edu") == R"("x":"kiwi.cs.ucla.edu")");
  CHECK(written("") == R"("x":"")");
}

TEST_CASE("a number that JSON cannot represent is null") {
  CHECK(written(std::nan("")) == R"("x":null)");
  CHECK(written(std::numeric_limits<double>::infinity()) == R"("x":null)");
}

TEST_CASE("characters that would break a JSON string are escaped") {
  CHECK(written("a\"b") == R"("x":"a\"b")");
  CHECK(written("a\\b") == R"("x":"a\\b")");
  CHECK(written("a\n\x01") == "\"x\":\"a\\n\\u0001\"");
  CHECK(written(std::string_view("a\0b", 3)) == "\"x\":\"a\\u0000b\"");
}

TEST_CASE("UTF-8 is unchanged, and bytes that are not UTF-8 become the replacement character") {
  CHECK(written("Zürich") == "\"x\":\"Zürich\"");
  CHECK(written("a\xfe") == "\"x\":\"a\xef\xbf\xbd\"");
  CHECK(written("\xc3") == "\"x\":\"\xef\xbf\xbd\"");
}

TEST_CASE("control characters of terminals are escaped, also those that are valid UTF-8") {
  CHECK(written("a\xc2\x9b"
                "31m\xc2\x80") == "\"x\":\"a\\u009b31m\\u0080\"");
  CHECK(written("\xc2\xa0\xc2\x9f\xc2\x9f") == "\"x\":\"\xc2\xa0\\u009f\\u009f\"");
}

TEST_CASE("the JSON is valid whatever bytes a text has") {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const char text[2] = {static_cast<char>(first), static_cast<char>(second)};
      const auto object = "{" + written(std::string_view(text, 2)) + "}";
      if (!nlohmann::json::accept(object)) FAIL("bytes " << first << " " << second);
    }
  }
}

TEST_CASE("a time is written in UTC with microseconds") {
  CHECK(utc_text(protocol::Nanoseconds(0)) == "1970-01-01T00:00:00.000000Z");
  CHECK(utc_text(protocol::Nanoseconds(1'520'023'934'918'963'997)) == "2018-03-02T20:52:14.918963Z");
  CHECK(utc_text(protocol::Nanoseconds(951'782'400'000'000'999)) == "2000-02-29T00:00:00.000000Z");
  CHECK(utc_text(protocol::Nanoseconds(-1)) == "1969-12-31T23:59:59.999999Z");
}

}  // namespace
}  // namespace herd::node
