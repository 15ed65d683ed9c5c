#include "node/base/json_text.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

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
  for (const std::string_view valid :
       {"\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    CHECK(written(valid) == "\"" + std::string(valid) + "\"");
  }
  for (const std::string_view wrong :
       {"\xe0\x9f\x80", "\xed\xa0\x80", "\xf0\x8f\x80\x80", "\xf4\x90\x80\x80", "\xc0\x80", "\xf5"}) {
    CHECK(written(wrong).starts_with("\"\xef\xbf\xbd"));
    CHECK(nlohmann::json::accept(written(wrong)));
  }
}

TEST_CASE("a text is written as by the library, into both kinds of buffer") {
  for (unsigned seed = 0; seed < 20'000; ++seed) {
    std::string text;
    for (unsigned i = 0, state = seed; i < 4; ++i, state = state * 1'103'515'245 + 12'345) {
      constexpr std::string_view kBytes = "a\"\\\n\x01\x7f\x80\xa0\xbf\xc2\xc3\xe0\xe1\xed\xf0\xf1\xf4\xff";
      text += kBytes[(state >> 16U) % kBytes.size()];
    }
    fmt::memory_buffer buffer;
    append_json_text(fmt::appender(buffer), text);
    const std::string quoted = "\"" + fmt::to_string(buffer) + "\"";
    if (quoted != written(text)) FAIL(quoted);
    const auto library = nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    if (nlohmann::json::parse(quoted) != nlohmann::json::parse(library)) FAIL(quoted << " is not " << library);
  }
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
