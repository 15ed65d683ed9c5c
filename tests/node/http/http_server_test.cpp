// The node's pages. The tests of their server are in the other files of this folder.
#include "node/http/http_server.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tests/catch.hpp"
#include "tests/node/free_port.hpp"
#include "tests/node/http/raw_client.hpp"
#include "tests/node/status_loop.hpp"
#include "tests/node/wait_until.hpp"

namespace herd::node {
namespace {

using http::RawClient;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

struct HttpFixture {
  StatusLoop loop;
  Address address{"127.0.0.1", free_port()};
  std::unique_ptr<HttpServer> server = start();

  HttpFixture() {
    loop.start([this](std::shared_ptr<const Status> status) { server->publish(std::move(status)); });
  }
  ~HttpFixture() { loop.stop(); }

  std::unique_ptr<HttpServer> start() {
    auto started = HttpServer::start(address, loop.ask());
    if (!started) throw std::runtime_error(started.error().message);
    return std::move(*started);
  }

  [[nodiscard]] http::Answer get(const std::string& path) const {
    const auto answer = http::get(address.port, path);
    REQUIRE(answer);
    return *answer;
  }
};

std::string request(const std::string& path) {
  return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
}

TEST_CASE_METHOD(HttpFixture, "a node with a running loop is healthy and, once synchronised, ready") {
  CHECK(get("/livez").status == 200);
  CHECK(get("/livez").body == "alive\n");
  CHECK(get("/healthz").status == 200);
  CHECK(get("/healthz").body == "ok\n");
  CHECK(get("/readyz").status == 200);
  CHECK(get("/readyz").body == "ready\n");
}

TEST_CASE_METHOD(HttpFixture,
                 "a node that is not ready names the peer for which it waits, and is healthy nevertheless") {
  loop.ready = false;
  const auto ready = get("/readyz");
  CHECK(ready.status == 503);
  CHECK(ready.body == "not ready: the first synchronisation waits for Smith\n");
  CHECK(get("/healthz").status == 200);
}

TEST_CASE_METHOD(HttpFixture, "a node is not healthy if `ack` needs a journal that cannot be written") {
  CHECK(get("/healthz").status == 200);
  loop.disk_full = true;
  REQUIRE(wait_until([&] { return get("/healthz").status == 503; }));
  CHECK(get("/healthz").body == "not healthy: the journal cannot be written: No space left on device\n");
  CHECK(get("/readyz").status == 200);
  CHECK(get("/livez").status == 200);  // a restart does not free the disk
  loop.replies_wait = false;
  REQUIRE(wait_until([&] { return get("/healthz").status == 200; }));
  CHECK(get("/healthz").body == "ok, but the journal cannot be written: No space left on device\n");
}

TEST_CASE_METHOD(HttpFixture,
                 "while the loop is stuck every path answers 503 with one line, and the connection stays open") {
  loop.stuck = true;
  RawClient client(address.port);
  for (const auto* path : {"/livez", "/healthz", "/readyz", "/metrics", "/status.json"}) {
    INFO(path);
    const auto answer = client.ask(request(path));
    REQUIRE(answer);
    CHECK(answer->status == 503);
    CHECK(answer->body.ends_with(": the loop has not answered within 1 s\n"));
  }
  loop.stuck = false;
  CHECK(client.ask(request("/healthz"))->status == 200);
}

TEST_CASE_METHOD(HttpFixture,
                 "while requests wait for a stuck loop, requests that need no status are answered at once") {
  loop.stuck = true;
  std::vector<RawClient> waiting;
  for (int i = 0; i < 10; ++i) {
    waiting.emplace_back(address.port);
    waiting.back().send(request("/healthz"));
  }
  REQUIRE(wait_until([&] { return loop.asked == 1; }));
  const auto begin = steady_clock::now();
  CHECK(get("/nowhere").status == 404);
  CHECK(http::ask(address.port, "POST /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")->status == 405);
  CHECK(http::ask(address.port, "GET /healthz\r\n")->status == 400);
  const auto took = steady_clock::now() - begin;
  // The first waiting request times out after 1 s. Even a slow machine answers these requests before that.
  if (waiting[0].receive_some(milliseconds(0))) {
    WARN("the machine is too slow for this measurement");
  } else {
    CHECK(took < StatusBoard::kPatience);
  }
  for (auto& client : waiting) {
    const auto answer = client.read();
    REQUIRE(answer);
    CHECK(answer->status == 503);
  }
  CHECK(loop.asked == 1);
}

TEST_CASE_METHOD(HttpFixture, "the status is JSON, and the metrics have the content type that Prometheus requires") {
  const auto status = get("/status.json");
  CHECK(status.header("Content-Type") == "application/json");
  CHECK(nlohmann::json::parse(status.body).at("node") == "Hill");
  const auto metrics = get("/metrics");
  CHECK(metrics.header("Content-Type") == "text/plain; version=0.0.4");
  CHECK(metrics.body.find("\nherd_clients 3\n") != std::string::npos);
  CHECK(metrics.body.find("\nherd_http_requests_total 2\n") != std::string::npos);
  CHECK(metrics.body.find("\nprocess_open_fds ") != std::string::npos);
}

TEST_CASE_METHOD(HttpFixture, "HEAD is GET without the body") {
  const auto head = http::ask(address.port, "HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  REQUIRE(head);
  CHECK(head->status == 200);
  CHECK(head->header("Content-Length") == "3");
}

TEST_CASE_METHOD(HttpFixture, "a request to a name that a name server could rebind to this host is refused") {
  for (const char* path : {"/status.json", "/healthz", "/nowhere"}) {
    INFO(path);
    const auto answer =
        http::ask(address.port, fmt::format("GET {} HTTP/1.1\r\nHost: evil.example:12440\r\n\r\n", path));
    REQUIRE(answer);
    CHECK(answer->status == 421);
    CHECK(answer->body.starts_with("this server answers only requests to localhost or an IP address"));
  }
  CHECK(loop.asked == 0);
  CHECK(http::ask(address.port, "GET /healthz HTTP/1.1\r\nHost: [::1]:9\r\n\r\n")->status == 200);
  CHECK(http::ask(address.port, "GET /healthz HTTP/1.0\r\n\r\n")->status == 200);
}

TEST_CASE("a server beyond loopback answers to every name, because it cannot know its own") {
  const Address address{"0.0.0.0", free_port()};
  const auto server = HttpServer::start(address, [] {});
  REQUIRE(server);
  CHECK(http::ask(address.port, "GET /nowhere HTTP/1.1\r\nHost: hill.example\r\n\r\n")->status == 404);
}

TEST_CASE("with tokens, the pages need one, except those of probes; a reload changes the tokens") {
  StatusLoop loop;
  const Address address{"127.0.0.1", free_port()};
  const auto table = [](const std::string& text) {
    Token token;
    token.hash = hash_of(text);
    return std::make_shared<const TokenTable>(std::vector<Token>{token});
  };
  auto server = *HttpServer::start(address, loop.ask(), {}, {{table("first"), nullptr}, nullptr});
  loop.start([&server](std::shared_ptr<const Status> status) { server->publish(std::move(status)); });
  const auto get = [&address](const std::string& path, const std::string& token) {
    return http::ask(address.port, fmt::format("GET {} HTTP/1.1\r\nHost: localhost\r\n{}\r\n", path,
                                               token.empty() ? "" : "Authorization: Bearer " + token + "\r\n"))
        ->status;
  };
  for (const char* path : {"/livez", "/healthz", "/readyz"}) CHECK(get(path, "") == 200);
  for (const char* path : {"/metrics", "/status.json", "/nowhere"}) {
    INFO(path);
    CHECK(get(path, "") == 401);
    CHECK(get(path, "wrong") == 401);
    CHECK(get(path, "first") == (path == std::string("/nowhere") ? 404 : 200));
  }
  server->use_tokens({table("second"), nullptr});
  CHECK(wait_until([&] { return get("/metrics", "second") == 200; }));
  CHECK(get("/metrics", "first") == 401);
  server->use_tokens({});
  CHECK(wait_until([&] { return get("/metrics", "") == 200; }));
  loop.stop();
}

TEST_CASE_METHOD(HttpFixture, "an unknown path is answered with one line that names the paths") {
  for (const auto* path : {"/nowhere", "/health", "/status_json", "/healthz/", "/../etc/passwd"}) {
    INFO(path);
    const auto answer = get(path);
    CHECK(answer.status == 404);
    CHECK(answer.body ==
          "no such path; there are /, /page/*, /livez, /healthz, /readyz, /metrics, /status.json and /v1/herd\n");
  }
}

TEST_CASE_METHOD(HttpFixture, "any other method is refused with 405 and Allow") {
  for (const auto* method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND", "TRACE", "CONNECT", "get"}) {
    INFO(method);
    const auto answer = http::ask(
        address.port, std::string(method) + " /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
    REQUIRE(answer);
    CHECK(answer->status == 405);
    CHECK(answer->header("Allow") == "GET, HEAD");
    CHECK(answer->body == "this method is not answered here: use GET or HEAD\n");
  }
}

TEST_CASE_METHOD(HttpFixture, "a second server on the same address is an error that names the address") {
  const auto second = HttpServer::start(address, [] {});
  REQUIRE_FALSE(second);
  CHECK(second.error().message.starts_with("http address 127.0.0.1:" + std::to_string(address.port) + " is in use: "));
  CHECK(get("/healthz").status == 200);
}

TEST_CASE("a restarted server can bind its address although old connections are in TIME_WAIT") {
  const Address address{"127.0.0.1", free_port()};
  for (int start = 0; start < 2; ++start) {
    const auto server = HttpServer::start(address, [] {});
    REQUIRE(server);
    CHECK(http::get(address.port, "/nowhere")->status == 404);
  }
}

TEST_CASE("an address of another machine is an error that names it") {
  const auto foreign = HttpServer::start({"192.0.2.1", 12'440}, [] {});
  REQUIRE_FALSE(foreign);
  CHECK(foreign.error().message.starts_with("http address 192.0.2.1:12440 cannot be listened on ("));
  const auto foreign6 = HttpServer::start({"2001:db8::1", 12'440}, [] {});
  REQUIRE_FALSE(foreign6);
  CHECK(foreign6.error().message.starts_with("http address [2001:db8::1]:12440 cannot be listened on ("));
}

TEST_CASE("a server stops at once while a request waits for a stuck loop") {
  const Address address{"127.0.0.1", free_port()};
  std::atomic<int> asked = 0;
  auto server = HttpServer::start(address, [&] { ++asked; });
  REQUIRE(server);
  RawClient waiting(address.port);
  waiting.send(request("/healthz"));
  REQUIRE(wait_until([&] { return asked == 1; }));
  const auto begin = steady_clock::now();
  server->reset();
  CHECK(steady_clock::now() - begin < milliseconds(700));
  CHECK(waiting.ends_within(std::chrono::seconds(10)));
}

}  // namespace
}  // namespace herd::node
