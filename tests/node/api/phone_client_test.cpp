#include "node/api/phone_client.hpp"

#include "tests/catch.hpp"

namespace herd::node::api {
namespace {

Token token_of(const std::vector<std::string>& tell) {
  Token token;
  token.name = "phones";
  token.tell = Patterns::parse(tell).value();
  return token;
}

std::string client(std::string_view id, const std::vector<std::string>& tell) {
  const Token token = token_of(tell);
  const auto found = client_of(id, &token);
  return found ? *found : std::to_string(found.error().status);
}

TEST_CASE("without a token the id of the payload is the client") {
  CHECK(client_of("jane/phone", nullptr).value() == "jane/phone");
}

TEST_CASE("a token for one client names the client, whatever the phone says") {
  for (const char* id : {"", "JJ", "kiwi", "two words", "other"}) CHECK(client(id, {"kiwi"}) == "kiwi");
}

TEST_CASE("a token for several clients permits their ids, and its only prefix is put before others") {
  CHECK(client("kiwi", {"kiwi", "plum"}) == "kiwi");
  CHECK(client("fig", {"kiwi", "plum"}) == "403");
  CHECK(client("JJ", {"*"}) == "JJ");
  CHECK(client("truck-7", {"truck-*"}) == "truck-7");
  CHECK(client("7", {"truck-*"}) == "truck-7");
  CHECK(client("7", {"truck-*", "bus-*"}) == "403");
  CHECK(client("bus-7", {"truck-*", "bus-*"}) == "bus-7");
  CHECK(client("JJ", {}) == "403");
}

TEST_CASE("a missing or malformed id is refused with 400") {
  for (const std::string& id : {std::string(), std::string("two words"), std::string("a\nIAMAT"), std::string("\xff"),
                                std::string(256, 'a'), std::string("a\0b", 3)}) {
    CHECK(client(id, {"*"}) == "400");
    CHECK(client_of(id, nullptr).error().status == 400);
  }
  CHECK(client(std::string(255, 'a'), {"*"}) == std::string(255, 'a'));
  CHECK(client(std::string(250, 'a'), {"truck-*"}) == "403");  // too long with the prefix
}

}  // namespace
}  // namespace herd::node::api
