#include "node/http/credentials.hpp"

#include "tests/catch.hpp"

namespace herd::node::http {
namespace {

Request with(const std::string& authorization, const std::string& query = {}) {
  Request request;
  request.query = query;
  if (!authorization.empty()) request.headers.push_back({"authorization", authorization});
  return request;
}

TEST_CASE("base64 is read with and without padding") {
  CHECK(from_base64("").value().empty());
  CHECK(from_base64("amFuZTpzZWNyZXQ=") == "jane:secret");
  CHECK(from_base64("amFuZTpzZWNyZXQ") == "jane:secret");
  CHECK(from_base64("/+8=") == "\xff\xef");
  for (const char* text : {"a", "amFu\nZQ", "a-_b", "ab=c", "ab c", "abcde"}) {
    INFO(text);
    CHECK_FALSE(from_base64(text));
  }
}

TEST_CASE("the token of a phone is that of Bearer, the password of Basic, or a parameter") {
  CHECK(phone_token(with("Bearer right")) == "right");
  CHECK(phone_token(with("Basic amFuZTpzZWNyZXQ=")) == "secret");
  CHECK(phone_token(with("basic  OmE6Yg==")) == "a:b");  // no user, and a colon in the password
  CHECK(phone_token(with("", "id=a&token=right")) == "right");
  CHECK(phone_token(with("", "token=r%69ght&x=1")) == "right");
  CHECK(phone_token(with("", "token=one&token=two")) == "two");
}

TEST_CASE("other credentials are none, and an Authorization line counts more than a parameter") {
  for (const char* line : {"Basic", "Basic !!!!", "Basic amFuZQ==", "Digest x", "right"}) {
    INFO(line);
    CHECK_FALSE(phone_token(with(line, "token=right")));
  }
  CHECK_FALSE(phone_token(with("")));
  CHECK_FALSE(phone_token(with("", "tokens=right&atoken=right")));
  CHECK_FALSE(phone_token(with("", "token=%zz")));
  CHECK_FALSE(bearer_token(with("Basic amFuZTpzZWNyZXQ=")));
}

}  // namespace
}  // namespace herd::node::http
