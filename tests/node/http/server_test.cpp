// The answers of the server and their order. Its bounds are tested in server_bounds_test.cpp.
#include "node/http/server.hpp"

#include "tests/node/http/test_server.hpp"
#include "tests/node/wait_until.hpp"

namespace herd::node::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

TEST_CASE("a connection stays open for the next request, and is closed if the client asks for it") {
  TestServer server;
  RawClient client(server.port);
  for (int i = 0; i < 3; ++i) {
    const auto answer = client.ask(request_for("/ok"));
    REQUIRE(answer);
    CHECK(answer->status == 200);
    CHECK(answer->body == "ok\n");
    CHECK(answer->header("Connection") == "keep-alive");
  }
  const auto last = client.ask("GET /ok HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  REQUIRE(last);
  CHECK(last->header("Connection") == "close");
  CHECK(client.read_to_end().empty());
  CHECK(server.figures().accepted == 1);
  CHECK(server.figures().requests == 4);
}

TEST_CASE("HTTP/1.0 is answered and closed, unless the client asks to keep the connection") {
  TestServer server;
  RawClient client(server.port);
  const auto kept = client.ask("GET /ok HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  REQUIRE(kept);
  CHECK(kept->header("Connection") == "keep-alive");
  REQUIRE(client.ask("GET /ok HTTP/1.0\r\n\r\n"));
  CHECK(client.read_to_end().empty());
}

TEST_CASE("HEAD has the head of GET and no body, and the next response follows it") {
  TestServer server;
  RawClient client(server.port);
  const auto head = client.ask("HEAD /ok HTTP/1.1\r\nHost: x\r\n\r\n", true);
  REQUIRE(head);
  CHECK(head->status == 200);
  CHECK(head->header("Content-Length") == "3");
  const auto get = client.ask(request_for("/ok"));
  REQUIRE(get);
  CHECK(get->body == "ok\n");
  const auto missing = client.ask("HEAD /no HTTP/1.1\r\nHost: x\r\n\r\n", true);
  REQUIRE(missing);
  CHECK(missing->status == 404);
  CHECK(client.ask(request_for("/ok"))->body == "ok\n");
}

TEST_CASE("pipelined requests are answered in order") {
  TestServer server;
  RawClient client(server.port);
  std::string all;
  constexpr int kRequests = 500;  // 20 KiB: more than the server reads at a time
  for (int i = 0; i < kRequests; ++i) all += request_for("/ok?" + std::to_string(i));
  REQUIRE(client.send(all));
  for (int i = 0; i < kRequests; ++i) {
    const auto answer = client.read();
    REQUIRE(answer);
    REQUIRE(answer->body == std::to_string(i) + "\n");
  }
  CHECK(server.figures().requests == kRequests);
}

TEST_CASE("a request that waits for its page delays the next ones on its connection, but no other connection") {
  TestServer server;
  RawClient client(server.port);
  REQUIRE(client.send(request_for("/never") + request_for("/ok")));
  const auto other = get(server.port, "/ok");
  REQUIRE(other);
  CHECK(other->status == 200);
  CHECK_FALSE(client.receive_some(milliseconds(20)));
}

TEST_CASE("a request with a URL in place of a path is answered by the path of the URL") {
  TestServer server;
  const auto answer = ask(server.port, "GET http://hill:12440/ok?a HTTP/1.1\r\nHost: hill\r\n\r\n");
  REQUIRE(answer);
  CHECK(answer->body == "a\n");
  CHECK(get(server.port, "/%6fk")->body == "ok\n");
}

TEST_CASE("a body with a length is read, in one piece or in many, and the connection stays open") {
  TestServer server;
  RawClient client(server.port);
  const std::string head = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n";
  CHECK(client.ask(head + "hello")->body == "hello");
  REQUIRE(client.send(head));
  for (const char c : std::string_view("world")) REQUIRE(client.send({&c, 1}));
  CHECK(client.read()->body == "world");
  CHECK(client.ask("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")->body.empty());
  CHECK(client.ask("GET /ok HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")->body == "ok\n");
  CHECK(client.ask(request_for("/ok"))->body == "ok\n");
}

TEST_CASE("a client that waits for 100 Continue gets it, or is refused before it sends its body") {
  TestServer server;
  const std::string rest = " HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
  RawClient client(server.port);
  const auto go_on = client.ask("POST /echo" + rest);
  REQUIRE(go_on);
  CHECK(go_on->head == "HTTP/1.1 100 Continue\r\n\r\n");
  CHECK(client.ask("hello")->body == "hello");
  RawClient refused(server.port);
  CHECK(refused.ask("POST /ok" + rest)->status == 405);
  CHECK(refused.read_to_end().empty());
  CHECK(ask(server.port, "POST /nowhere" + rest)->status == 404);
}

TEST_CASE("a refusal has one line of plain text and is the last response of its connection") {
  TestServer server;
  struct Case {
    std::string request;
    int status;
  };
  for (const auto& [request, status] : std::vector<Case>{
           {std::string("\x16\x03\x01\x02"), 400},
           {"IAMAT kiwi +1+1 5\n", 400},
           {"GET /ok HTTP/1.1\r\n\r\n", 400},
           {"GET /" + std::string(10'000, 'a'), 414},
           {"GET /ok HTTP/1.1\r\nX: " + std::string(10'000, 'a'), 431},
           {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1025\r\n\r\n" + std::string(1025, 'b'), 413},
           {"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", 501},
           {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", 415},
           {"POST /echo HTTP/1.1\r\nHost: x\r\n\r\nwithout a length", 411},
           {"PROPFIND /ok HTTP/1.1\r\nHost: x\r\n\r\n", 405},
           {"GET /ok HTTP/2.0\r\n", 505}}) {
    INFO(request.substr(0, 60));
    RawClient client(server.port);
    const auto answer = client.ask(request);
    REQUIRE(answer);
    CHECK(answer->status == status);
    CHECK(answer->header("Content-Type") == kPlainText);
    CHECK(answer->header("Connection") == "close");
    CHECK(answer->body.ends_with("\n"));
    CHECK(answer->body.find('\n') == answer->body.size() - 1);
    CHECK(client.read_to_end().empty());
  }
}

TEST_CASE("a client that continues to send after a refusal can still read the reason") {
  TestServer server;
  RawClient client(server.port);
  REQUIRE(client.send("GET / HTTP/1.1\r\nX: "));
  REQUIRE(client.send(std::string(std::size_t{512} * 1024, 'a')));
  const auto answer = client.read();
  REQUIRE(answer);
  CHECK(answer->status == 431);
  CHECK(client.read_to_end().empty());
  CHECK_FALSE(client.was_reset());
}

TEST_CASE("a client that half-closes after its request is answered") {
  TestServer server;
  RawClient client(server.port);
  client.send(request_for("/ok"));
  client.end_sending();
  const auto answer = client.read();
  REQUIRE(answer);
  CHECK(answer->body == "ok\n");
  CHECK(client.read_to_end().empty());
}

TEST_CASE("a page that throws gives 500, and the connection stays open") {
  TestServer server;
  RawClient client(server.port);
  const auto answer = client.ask(request_for("/large?none"));
  REQUIRE(answer);
  CHECK(answer->status == 500);
  CHECK(client.ask(request_for("/ok"))->status == 200);
}

TEST_CASE("a client that reads gets a large response completely") {
  TestServer server;
  const auto answer = get(server.port, "/large?1000000");
  REQUIRE(answer);
  CHECK(answer->body == std::string(1'000'000, 'l'));
}

TEST_CASE("the server listens on all addresses of a host name") {
  const auto io = std::make_shared<asio::io_context>(1);
  const auto port = free_port();
  auto started = Server::start({"localhost", port}, {io, Router(), std::make_shared<Figures>()});
  REQUIRE(started);
  CHECK(get(port, "/")->status == 405);  // the router is empty
}

TEST_CASE("the server ends within milliseconds, whatever its clients do") {
  TestServer server;
  const RawClient idle(server.port);
  RawClient half(server.port);
  half.send("GET /ok HTTP/1.1\r\nX: ");
  RawClient waiting(server.port);
  waiting.send(request_for("/never"));
  RawClient deaf(server.port, "127.0.0.1", 4096);
  deaf.send(request_for("/large?4000000"));
  RawClient viewer(server.port);
  REQUIRE(viewer.ask(request_for("/events")));
  REQUIRE(wait_until([&] { return server.figures().connections == 5; }));
  const auto begin = steady_clock::now();
  server.server.reset();
  CHECK(steady_clock::now() - begin < milliseconds(500));
  CHECK(half.ends_within(std::chrono::seconds(10)));
  CHECK(viewer.ends_within(std::chrono::seconds(10)));
}

}  // namespace
}  // namespace herd::node::http
