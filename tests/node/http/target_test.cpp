#include "node/http/target.hpp"

#include "tests/catch.hpp"

namespace herd::node::http {
namespace {

TEST_CASE("a path is decoded, and a query stays as sent") {
  const auto target = parse_target("GET", "/v1/where/a%20b%2Fc%c3%A4?x=%41+b&y=/?|");
  REQUIRE(target);
  CHECK(target->path == "/v1/where/a b/c\xc3\xa4");
  CHECK(target->query == "x=%41+b&y=/?|");
}

TEST_CASE("percent-encoded bytes are decoded, and a plus is a plus") {
  CHECK(percent_decoded("a%20b+c%2Bd%C3%A9") == "a b+c+d\xC3\xA9");
  for (const char* text : {"50%", "%4", "%zz%41", "%00", "a b"}) CHECK_FALSE(percent_decoded(text));
}

TEST_CASE("an absolute form is reduced to path and query") {
  for (const auto* text : {"http://hill:12440/metrics?a", "HTTP://[::1]/metrics?a", "https://x/metrics?a"}) {
    const auto target = parse_target("GET", text);
    REQUIRE(target);
    CHECK(target->path == "/metrics");
    CHECK(target->query == "a");
  }
  CHECK(parse_target("GET", "http://hill")->path == "/");
  CHECK(parse_target("GET", "http://hill?a")->query == "a");
}

TEST_CASE("dots and slashes have no special meaning: a path is compared, never opened") {
  CHECK(parse_target("GET", "/../etc/passwd")->path == "/../etc/passwd");
  CHECK(parse_target("GET", "//healthz")->path == "//healthz");
}

TEST_CASE("an invalid target is refused with the reason") {
  for (const auto* text : {"", "healthz", "*", "?x", "ftp://x/", "http://", "http:///", "http:/x", "http://a b/",
                           "http://a@b/", "http://a:b/", "http://a:123456/"}) {
    INFO(text);
    CHECK_FALSE(parse_target("GET", text));
  }
  CHECK(parse_target("GET", "/%").error().message == "the target has a % without two hexadecimal digits after it");
  CHECK(parse_target("GET", "/%4").error().message == "the target has a % without two hexadecimal digits after it");
  CHECK(parse_target("GET", "/%4g").error().message == "the target has a % without two hexadecimal digits after it");
  CHECK(parse_target("GET", "/%00").error().message == "the target has a %00");
  CHECK(parse_target("GET", "/?%00").error().message == "the target has a %00");
  CHECK(parse_target("GET", "/#x").error().message == "the target has a character that must be percent-encoded");
}

TEST_CASE("a host is a name or an address with an optional port") {
  for (const auto* host : {"", "x", "hill.example:12440", "127.0.0.1:1", "[::1]", "[::1]:12440", "x:"}) {
    INFO(host);
    CHECK(is_host(host));
  }
  for (const auto* host :
       {" x", "x y", "x:y", "x:123456", "::1", "[]", "[::1", "[::1]x", "[x::]", "a/b", "a@b", "a?b"}) {
    INFO(host);
    CHECK_FALSE(is_host(host));
  }
}

}  // namespace
}  // namespace herd::node::http
