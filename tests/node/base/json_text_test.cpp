#include "node/base/json_text.hpp"

#include <nlohmann/json.hpp>

#include "tests/catch.hpp"

namespace herd::node {
namespace {

std::string written(std::string_view text) {
  std::string out = "before ";
  append_json_string(out, text);
  return out.substr(7);
}

TEST_CASE("a text is appended with quotes, or without them") {
  std::string out = "[";
  append_json_string(out, "kiwi");
  append_json_text(out, "a\"b");
  CHECK(out == R"(["kiwi"a\"b)");
}

TEST_CASE("characters that would break a JSON string are escaped") {
  CHECK(written("a\"b") == R"("a\"b")");
  CHECK(written("a\\b") == R"("a\\b")");
  CHECK(written("a\n\x01") == "\"a\\n\\u0001\"");
  CHECK(written(std::string_view("a\0b", 3)) == "\"a\\u0000b\"");
}

TEST_CASE("UTF-8 is unchanged, and bytes that are not UTF-8 become the replacement character") {
  CHECK(written("Zürich") == "\"Zürich\"");
  CHECK(written("a\xfe") == "\"a\xef\xbf\xbd\"");
  CHECK(written("\xc3") == "\"\xef\xbf\xbd\"");
}

TEST_CASE("control characters of terminals are escaped, also those that are valid UTF-8") {
  CHECK(written("a\xc2\x9b"
                "31m\xc2\x80") == "\"a\\u009b31m\\u0080\"");
  CHECK(written("\xc2\xa0\xc2\x9f\xc2\x9f") == "\"\xc2\xa0\\u009f\\u009f\"");
}

TEST_CASE("the JSON is valid whatever bytes a text has") {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const char text[2] = {static_cast<char>(first), static_cast<char>(second)};
      const auto json = written(std::string_view(text, 2));
      if (!nlohmann::json::accept(json)) FAIL("bytes " << first << " " << second);
    }
  }
}

}  // namespace
}  // namespace herd::node
