#include "node/http/router.hpp"

#include "tests/catch.hpp"

namespace herd::node::http {
namespace {

Router example() {
  Router router;
  const auto page = [](const Request&, const Responder&) {};
  router.add("GET", "/healthz", page);
  router.add("GET", "/v1/watch", page);
  router.add("POST", "/v1/token", page);
  return router;
}

Request request(std::string method, std::string path) {
  Request made;
  made.method = std::move(method);
  made.path = std::move(path);
  return made;
}

TEST_CASE("a page is found by method and path, and answers HEAD if it answers GET") {
  const Router router = example();
  CHECK(router.find(request("GET", "/healthz")).page != nullptr);
  CHECK(router.find(request("HEAD", "/healthz")).page == router.find(request("GET", "/healthz")).page);
  Request post = request("POST", "/v1/token");
  post.content_length = 0;
  CHECK(router.find(post).page != nullptr);
}

TEST_CASE("a path that ends with /* takes every longer path, and other paths come first if they were added first") {
  Router router;
  const auto page = [](const Request&, const Responder&) {};
  router.add("GET", "/v1/where/any", page);
  router.add("GET", "/v1/where/*", page);
  const auto* any = router.find(request("GET", "/v1/where/kiwi")).page;
  REQUIRE(any != nullptr);
  CHECK(router.find(request("HEAD", "/v1/where/a/../b")).page == any);
  CHECK(router.find(request("GET", "/v1/where/any")).page != any);
  CHECK(router.find(request("GET", "/v1/where/")).refusal->status == 404);
  CHECK(router.find(request("GET", "/v1/where")).refusal->status == 404);
  CHECK(router.find(request("POST", "/v1/where/kiwi")).refusal->status == 405);
}

TEST_CASE("the guard is asked before the page is looked up") {
  Router router = example();
  router.set_guard([](const Request& asked, const asio::ip::address&) -> std::optional<Response> {
    if (asked.path == "/healthz") return std::nullopt;
    return text_response(401, "no");
  });
  CHECK(router.find(request("GET", "/healthz")).page != nullptr);
  CHECK(router.find(request("GET", "/nowhere")).refusal->status == 401);
  CHECK(router.find(request("GET", "/v1/watch")).refusal->status == 401);
}

TEST_CASE("an unknown path is 404 with the list of paths") {
  const auto found = example().find(request("GET", "/health"));
  REQUIRE(found.refusal);
  CHECK(found.refusal->status == 404);
  CHECK(found.refusal->body == "no such path; there are /healthz, /v1/watch and /v1/token\n");
}

TEST_CASE("a method that the path does not have is 405 with Allow, and so is one that no path has") {
  const Router router = example();
  const auto other = router.find(request("POST", "/healthz"));
  REQUIRE(other.refusal);
  CHECK(other.refusal->status == 405);
  CHECK(other.refusal->body == "this method is not answered here: use GET or HEAD\n");
  REQUIRE(other.refusal->headers.size() == 1);
  CHECK(other.refusal->headers[0].name == "Allow");
  CHECK(other.refusal->headers[0].value == "GET, HEAD");
  const auto unknown = router.find(request("PROPFIND", "/nowhere"));
  REQUIRE(unknown.refusal);
  CHECK(unknown.refusal->status == 405);
  CHECK(unknown.refusal->headers[0].value == "GET, HEAD, POST");
}

TEST_CASE("a body that is too long for its page is 413, and a page may take longer ones") {
  Router router = example();
  router.add("POST", "/owntracks", [](const Request&, const Responder&) {}, {.body_bytes = 5'000});
  const auto status = [&](const char* method, const char* path, std::uint64_t length) {
    Request asked = request(method, path);
    asked.content_length = length;
    const auto found = router.find(asked);
    return found.refusal ? found.refusal->status : 200;
  };
  CHECK(status("POST", "/v1/token", kMaxBodyBytes) == 200);
  CHECK(status("POST", "/v1/token", kMaxBodyBytes + 1) == 413);
  CHECK(status("GET", "/healthz", kMaxBodyBytes + 1) == 413);
  CHECK(status("POST", "/nowhere", kMaxBodyBytes + 1) == 413);
  CHECK(status("POST", "/owntracks", 5'000) == 200);
  CHECK(status("POST", "/owntracks", 5'001) == 413);
  CHECK(status("GET", "/owntracks", 5'000) == 413);
}

TEST_CASE("a page may take a POST without a length, which then has no body") {
  Router router = example();
  router.add("POST", "/osmand", [](const Request&, const Responder&) {}, {.needs_length = false});
  CHECK(router.find(request("POST", "/osmand")).page != nullptr);
}

TEST_CASE("a POST without a length is 411") {
  const auto found = example().find(request("POST", "/v1/token"));
  REQUIRE(found.refusal);
  CHECK(found.refusal->status == 411);
}

}  // namespace
}  // namespace herd::node::http
