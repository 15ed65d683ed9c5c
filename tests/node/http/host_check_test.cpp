#include "node/http/host_check.hpp"

#include "tests/catch.hpp"

namespace herd::node::http {
namespace {

TEST_CASE("a Host line is safe if it is an IP address or localhost, with or without a port") {
  for (const char* host : {"127.0.0.1", "127.0.0.1:12440", "[::1]", "[::1]:12440", "192.0.2.1:80", "[2001:db8::1]",
                           "localhost", "localhost:12440", "LocalHost:1", "localhost.", "hill.localhost:12440"}) {
    INFO(host);
    CHECK(is_safe_host(host));
  }
}

TEST_CASE("a Host line is not safe if a name server decides which machine it means") {
  for (const char* host :
       {"evil.example", "evil.example:12440", "localhost.evil.example", "notlocalhost", "127.0.0.1.x",
        "127.0.0.1.evil.example:12440", "1", "0x7f000001", "hill", "", ":12440", "."}) {
    INFO(host);
    CHECK_FALSE(is_safe_host(host));
  }
}

TEST_CASE("a request to another name is refused with 421 and what to write instead; one without a Host is not") {
  Request request;
  CHECK_FALSE(check_host(request));
  request.headers.push_back({"host", "127.0.0.1:12440"});
  CHECK_FALSE(check_host(request));
  request.headers.back().value = "evil.example:12440";
  const auto refusal = check_host(request);
  REQUIRE(refusal);
  CHECK(refusal->status == 421);
  CHECK(refusal->body.find("http://127.0.0.1") != std::string::npos);
}

}  // namespace
}  // namespace herd::node::http
