#include "node/config/token_table.hpp"

#include "tests/catch.hpp"

using namespace herd::node;
using herd::protocol::Nanoseconds;
using namespace std::chrono_literals;

namespace {

Patterns patterns(const std::vector<std::string>& texts) {
  return Patterns::parse(texts).value();
}

Token token_of(const std::string& name, const std::string& text) {
  Token token;
  token.name = name;
  token.hash = hash_of(text);
  return token;
}

}  // namespace

TEST_CASE("the hash of a token is SHA-256") {
  const TokenHash hash = hash_of("abc");  // FIPS 180-2, B.1
  CHECK(hash[0] == 0xba);
  CHECK(hash[1] == 0x78);
  CHECK(hash[31] == 0xad);
}

TEST_CASE("a token is found by its text only, until it expires") {
  Token first = token_of("first", "herd_1");
  first.expires = 100s;
  const TokenTable table({first, token_of("second", "herd_2")});
  CHECK(table.find("herd_1", 100s - 1ns)->name == "first");
  CHECK(table.find("herd_1", 100s) == nullptr);
  CHECK(table.find("herd_2", Nanoseconds::max() - 1ns)->name == "second");
  for (const char* wrong : {"", "herd_", "herd_3", "herd_11", "HERD_1"}) CHECK(table.find(wrong, 0s) == nullptr);
  CHECK(TokenTable({}).find("herd_1", 0s) == nullptr);
}

TEST_CASE("a token of a former table has its present rights, or none if it is revoked") {
  const Token former = token_of("first", "herd_1");
  Token edited = token_of("renamed", "herd_1");
  edited.level = TokenLevel::Latest;
  CHECK(TokenTable({edited}).renewed(former)->level == TokenLevel::Latest);
  CHECK(TokenTable({token_of("first", "herd_2")}).renewed(former) == nullptr);
}

TEST_CASE("a pattern is a complete id, a prefix, or every client") {
  CHECK_FALSE(Patterns().allow("kiwi"));
  CHECK(patterns({"kiwi"}).allow("kiwi"));
  CHECK_FALSE(patterns({"kiwi"}).allow("kiwi2"));
  CHECK_FALSE(patterns({"kiwi"}).allow("kiw"));
  const Patterns prefixes = patterns({"truck-*", "a*b*", "x"});
  for (const char* allowed : {"truck-", "truck-7", "a*b", "a*bc", "x"}) CHECK(prefixes.allow(allowed));
  for (const char* refused : {"truck", "Truck-7", "acb", "ab", "xx", "*"}) CHECK_FALSE(prefixes.allow(refused));
  CHECK(patterns({"*"}).allow("anything"));
  CHECK(prefixes.text() == "truck-*,a*b*,x");
  CHECK(Patterns().text().empty());
}

TEST_CASE("a list of patterns has a bound, and a pattern can match an id") {
  CHECK(Patterns::parse(std::vector<std::string>(kMaxPatterns, "a")));
  CHECK(Patterns::parse(std::vector<std::string>(kMaxPatterns + 1, "a")).error().message ==
        "has 33 patterns: write at most 32");
  CHECK(Patterns::parse({std::string(255, 'a') + "*"}));
  for (const std::string& wrong : {std::string(), std::string("a b"), std::string("a,b"), std::string("a\x01"),
                                   std::string("a\n"), std::string(256, 'a'), std::string(256, 'a') + "*"}) {
    CHECK_FALSE(Patterns::parse({wrong}));
  }
}
