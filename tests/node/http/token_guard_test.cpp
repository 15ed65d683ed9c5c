#include "node/http/token_guard.hpp"

#include <nlohmann/json.hpp>

#include "node/http/limits.hpp"
#include "tests/catch.hpp"
#include "tests/node/captured_log.hpp"

namespace herd::node::http {
namespace {

using namespace std::chrono_literals;

std::shared_ptr<const TokenTable> table_of(const std::string& text, protocol::Nanoseconds expires) {
  Token token;
  token.name = "prometheus";
  token.hash = hash_of(text);
  token.expires = expires;
  return std::make_shared<const TokenTable>(std::vector<Token>{token});
}

struct Guarded {
  std::shared_ptr<const TokenTable> table = table_of("right", 2000s);
  TokenGuard guard{{table, table}};
  protocol::Now now{100s, 1000s};

  std::optional<Response> ask(const std::string& authorization, const std::string& path = "/metrics") {
    Request request;
    request.method = "GET";
    request.path = path;
    if (!authorization.empty()) request.headers.push_back({"authorization", authorization});
    return guard.check(request, asio::ip::make_address("192.0.2.7"), now);
  }
};

std::string header(const Response& response, std::string_view name) {
  for (const Header& one : response.headers) {
    if (one.name == name) return one.value;
  }
  return {};
}

TEST_CASE_METHOD(Guarded, "a request with a right token is answered, and so are the pages of probes without one") {
  for (const char* line : {"Bearer right", "bearer right", "BEARER  right"}) {
    INFO(line);
    CHECK_FALSE(ask(line));
  }
  CHECK_FALSE(ask("", "/livez"));
  CHECK_FALSE(ask("", "/healthz"));
  CHECK_FALSE(ask("", "/readyz"));
  CHECK(ask("", "/healthz/"));
}

TEST_CASE_METHOD(Guarded, "a request without a token gets 401, the challenge, and a problem that says what to do") {
  for (const char* line : {"", "Basic cmlnaHQ=", "right", "Bearerright", "Bearer"}) {
    INFO(line);
    const auto refusal = ask(line);
    REQUIRE(refusal);
    CHECK(refusal->status == 401);
    CHECK(header(*refusal, "WWW-Authenticate") == "Bearer realm=\"herd\"");
    CHECK(refusal->content_type == "application/problem+json");
    const auto problem = nlohmann::json::parse(refusal->body);
    CHECK(problem.at("status") == 401);
    CHECK(problem.at("detail").get<std::string>().find("scripts/herd token new") != std::string::npos);
  }
}

TEST_CASE_METHOD(Guarded, "a wrong or expired token gets 401 that says so, and the log has the address but no token") {
  const CapturedLog log;
  for (const char* line : {"Bearer wrong", "Bearer ", "Bearer right "}) {
    INFO(line);
    const auto refusal = ask(line);
    REQUIRE(refusal);
    CHECK(refusal->status == 401);
    CHECK(header(*refusal, "WWW-Authenticate") == "Bearer realm=\"herd\", error=\"invalid_token\"");
  }
  now.wall = 2000s;
  CHECK(ask("Bearer right")->status == 401);
  CHECK(log.text().find("event=http_token_refused from=192.0.2.7") != std::string::npos);
  CHECK(log.text().find("wrong") == std::string::npos);
}

TEST_CASE_METHOD(Guarded, "wrong tokens beyond the bound get 429 and are not logged; a right one is always accepted") {
  const CapturedLog log;
  for (int count = 0; count < static_cast<int>(kWrongTokensBurst); ++count) CHECK(ask("Bearer guess")->status == 401);
  const auto refusal = ask("Bearer guess");
  CHECK(refusal->status == 429);
  CHECK(header(*refusal, "Retry-After") == "1");
  CHECK_FALSE(ask("Bearer right"));
  CHECK(ask("")->status == 401);
  CHECK(log.count("event=http_token_refused") == static_cast<std::size_t>(kWrongTokensBurst));
  now.steady += 1s;
  CHECK(ask("Bearer guess")->status == 401);
}

TEST_CASE_METHOD(Guarded, "a new table counts from the next request on, and without a table all pages are open") {
  guard.use({std::make_shared<const TokenTable>(std::vector<Token>{}), nullptr});
  CHECK(ask("Bearer right")->status == 401);
  guard.use({});
  CHECK_FALSE(ask(""));
}

TEST_CASE_METHOD(Guarded, "the API can need a token where the other pages need none, and learns which one it is") {
  guard.use({nullptr, table});
  CHECK_FALSE(ask("", "/metrics"));
  CHECK(ask("", "/v1/near")->status == 401);
  CHECK(ask("Bearer wrong", "/v1/where/kiwi")->status == 401);
  CHECK_FALSE(ask("Bearer right", "/v1/near"));
  Request request;
  request.path = "/v1/near";
  CHECK(guard.token_of(request, now) == nullptr);
  request.headers.push_back({"authorization", "Bearer right"});
  REQUIRE(guard.token_of(request, now) != nullptr);
  CHECK(guard.token_of(request, now)->name == "prometheus");
  guard.use({});
  CHECK(guard.token_of(request, now) == nullptr);
}

TEST_CASE_METHOD(Guarded, "phones may send the token as a password or in the address, and only to their pages") {
  guard.use({nullptr, table});
  for (const char* path : {"/owntracks", "/osmand"}) {
    INFO(path);
    CHECK(ask("", path)->status == 401);
    CHECK(ask("Basic amFuZTp3cm9uZw==", path)->status == 401);  // jane:wrong
    CHECK_FALSE(ask("Basic amFuZTpyaWdodA==", path));           // jane:right
    CHECK_FALSE(ask("Bearer right", path));
  }
  CHECK(ask("Basic amFuZTpyaWdodA==", "/v1/near")->status == 401);
  Request request;
  request.path = "/osmand";
  request.query = "id=kiwi&token=right";
  CHECK_FALSE(guard.check(request, asio::ip::make_address("192.0.2.7"), now));
  CHECK(guard.token_of(request, now)->name == "prometheus");
  request.path = "/v1/near";
  CHECK(guard.check(request, asio::ip::make_address("192.0.2.7"), now)->status == 401);
}

}  // namespace
}  // namespace herd::node::http
