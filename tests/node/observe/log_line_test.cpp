#include "node/observe/log_line.hpp"

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "tests/catch.hpp"

namespace herd::node {
namespace {

using namespace std::chrono_literals;

template <typename Append>
std::string written(const Append& append, std::string_view text, std::string_view node = "Hill") {
  fmt::memory_buffer out;
  append(fmt::appender(out), {std::chrono::system_clock::time_point(1'795'961'036'123ms), "info", node, text});
  return fmt::to_string(out);
}

// The line as JSON without time, level and node, which it checks.
nlohmann::ordered_json fields(std::string_view text) {
  const std::string line = written(append_json_line, text);
  const std::string head = R"({"time":"2026-11-29T14:03:56.123Z","level":"info","node":"Hill",)";
  REQUIRE(line.starts_with(head));
  REQUIRE(line.ends_with("}\n"));
  REQUIRE(line.find('\n') == line.size() - 1);
  return nlohmann::ordered_json::parse("{" + line.substr(head.size()));
}

using Json = nlohmann::ordered_json;

TEST_CASE("a line of text has time, level, node and text") {
  CHECK(written(append_text_line, "event=slow ms=3") == "2026-11-29T14:03:56.123Z info Hill event=slow ms=3\n");
}

TEST_CASE("the fields of an event become strings, in their order") {
  CHECK(fields("event=slow").dump() == R"({"event":"slow"})");
  CHECK(fields("event=link_lost peer=Smith lag=12 empty= quoted=\"\" reason=\"no answer\" last=1").dump() ==
        R"({"event":"link_lost","peer":"Smith","lag":"12","empty":"","quoted":"","reason":"no answer","last":"1"})");
}

TEST_CASE("a text without fields becomes the message") {
  CHECK(fields("no event").dump() == R"({"message":"no event"})");
  CHECK(fields(" event=x").dump() == R"({"message":" event=x"})");
  CHECK(fields("").dump() == R"({"message":""})");
}

TEST_CASE("a value ends where the next field begins, whatever it contains") {
  CHECK(fields("event=a reason=\"set tls = \"on\" or \"off\" here\" port=1") ==
        Json{{"event", "a"}, {"reason", "set tls = \"on\" or \"off\" here"}, {"port", "1"}});
  CHECK(fields("event=a at=herd.toml:3: [x] `y` is wrong: do z") ==
        Json{{"event", "a"}, {"at", "herd.toml:3: [x] `y` is wrong: do z"}});
  CHECK(fields("event=a text=\"cut off") == Json{{"event", "a"}, {"text", "\"cut off"}});
  CHECK(fields("event=a text=\"") == Json{{"event", "a"}, {"text", "\""}});
  CHECK(fields("event=a text==x= y") == Json{{"event", "a"}, {"text", "=x= y"}});
  CHECK(fields("event=a at=B UPPER=1 x-y=2") == Json{{"event", "a"}, {"at", "B UPPER=1 x-y=2"}});
  CHECK(fields("event=a reason=\"cut off") == Json{{"event", "a"}, {"reason", "\"cut off"}});
}

TEST_CASE("text from outside can neither replace nor add a field, and every object has each name once") {
  CHECK(fields("event=a from=1 text=\"x\" event=forged") ==
        Json{{"event", "a"}, {"from", "1"}, {"text", "\"x\" event=forged"}});
  CHECK(fields("event=a text=\"x\" peer=forged") == Json{{"event", "a"}, {"text", "\"x\" peer=forged"}});
  CHECK(fields("event=line_too_long head=x peer=forged") ==
        Json{{"event", "line_too_long"}, {"head", "x peer=forged"}});
  for (const std::string name : {"time", "level", "node", "message", "from"}) {
    CHECK(fields("event=a from=1 at=x " + name + "=forged") ==
          Json{{"event", "a"}, {"from", "1"}, {"at", "x " + name + "=forged"}});
  }
}

TEST_CASE("a text with more fields than an event has keeps all its bytes") {
  std::string text = "event=a";
  for (int i = 0; i < 100; ++i) text += " f" + std::to_string(i) + "=v";
  const Json all = fields(text);
  CHECK(all.size() == 28);
  CHECK(all["f26"].get<std::string>().ends_with(" f99=v"));
}

TEST_CASE("bytes that JSON or a terminal would misread are escaped, and those that are not UTF-8 are replaced") {
  CHECK(written(append_json_line,
                "event=a reason=\"a\\b\x1b[\xff\xc2\x9b"
                "ü\"")
            .find("\"reason\":\"a\\\\b\\u001b[\xef\xbf\xbd\\u009bü\"}") != std::string::npos);
  for (int byte = 0; byte < 256; ++byte) {
    const std::string text(3, static_cast<char>(byte));
    for (const auto& line : {written(append_json_line, text), written(append_json_line, "event=a x=" + text),
                             written(append_json_line, text, text)}) {
      if (!Json::accept(line)) FAIL("byte " << byte << ": " << line);
      if (line.size() > 7 * (text.size() * 2 + 10) + 100) FAIL("byte " << byte << " is too long");
    }
  }
}

}  // namespace
}  // namespace herd::node
