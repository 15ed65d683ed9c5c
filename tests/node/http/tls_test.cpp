// Pages over TLS, plain text on the port of TLS, and handshakes that are slow, broken or many.
#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "tests/node/http/test_server.hpp"
#include "tests/node/http/tls_raw_client.hpp"
#include "tests/node/test_certificate.hpp"
#include "tests/node/wait_until.hpp"

namespace herd::node::http {
namespace {

using std::chrono::milliseconds;

struct TlsServer : TestServer {
  explicit TlsServer(const Limits& limits = {}, const EventRingLimits& ring_limits = {})
      : TestServer(limits, ring_limits, make_test_context()) {}
};

constexpr const char* kLastRequest = "GET /ok HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

// Whether a new client gets a page.
bool is_served(TestServer& server) {
  TlsRawClient client(server.port);
  return client.handshake() && client.send(kLastRequest) && client.read_to_end().ends_with("\r\n\r\nok\n");
}

TEST_CASE("pages are answered over both versions of TLS, in order, until close_notify") {
  TlsServer server;
  TlsRawClient client(server.port, "127.0.0.1", GENERATE(TLS1_2_VERSION, TLS1_3_VERSION));
  REQUIRE(client.handshake());
  REQUIRE(client.send(request_for("/ok?first")));
  CHECK(client.read_until("first\n").starts_with("HTTP/1.1 200 OK\r\n"));
  REQUIRE(client.send(request_for("/ok?second") + request_for("/ok?third")));
  const std::string both = client.read_until("third\n");
  CHECK(both.find("second\n") < both.find("third\n"));
  REQUIRE(client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody"));
  CHECK(client.read_to_end().ends_with("\r\n\r\nbody"));
  CHECK(client.has_ended_well());
  const Figures figures = server.figures();
  CHECK(figures.requests == 4);
  CHECK(figures.tls_handshakes == 1);
  CHECK(figures.tls_handshakes_failed == 0);
}

TEST_CASE("a request in many TLS records, and many requests in one, are answered") {
  TlsServer server;
  TlsRawClient client(server.port);
  REQUIRE(client.handshake());
  for (const char byte : request_for("/ok?bytes")) REQUIRE(client.send({&byte, 1}));
  CHECK(client.read_until("bytes\n").ends_with("bytes\n"));
  std::string many;
  for (int i = 0; i < 300; ++i) many += request_for("/ok?" + std::to_string(i));
  REQUIRE(client.send(many));
  CHECK(client.read_until("\r\n\r\n299\n").ends_with("\r\n\r\n299\n"));
}

TEST_CASE("a large response arrives complete at a client with a small buffer that reads late") {
  TlsServer server;
  TlsRawClient client(server.port, "127.0.0.1", TLS1_3_VERSION, 4096);
  REQUIRE(client.handshake());
  REQUIRE(client.send("GET /large?1000000 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
  std::this_thread::sleep_for(milliseconds(50));
  const std::string answer = client.read_to_end();
  CHECK(static_cast<std::size_t>(std::count(answer.begin(), answer.end(), 'l')) >= 1'000'000);
  CHECK(client.has_ended_well());
}

TEST_CASE("a client of TLS that takes no response is reset at its deadline") {
  Limits limits;
  limits.response_time = milliseconds(200);
  TlsServer server(limits);
  TlsRawClient client(server.port, "127.0.0.1", TLS1_3_VERSION, 4096);
  REQUIRE(client.handshake());
  REQUIRE(client.send(request_for("/large?1000000")));
  CHECK(wait_until([&] { return server.figures().connections == 0; }));
  CHECK(server.figures().overdue == 1);
}

TEST_CASE("a viewer gets events over TLS") {
  TlsServer server({}, {.events = 10, .bytes = 1'000'000});
  TlsRawClient viewer(server.port);
  REQUIRE(viewer.handshake());
  REQUIRE(viewer.send(request_for("/events")));
  CHECK(viewer.read_until("\r\n\r\n").find("text/event-stream") != std::string::npos);
  const std::string large = std::string(100'000, 'e') + "end\n\n";  // many TLS records
  for (const std::string& event : {std::string("data: 1\n\n"), large, std::string("data: 2\n\n")}) {
    server.on_thread([&] {
      server.ring->publish(event);
      return 0;
    });
  }
  const std::string all = viewer.read_until("data: 2\n\n");
  CHECK(all.starts_with("data: 1\n\n"));
  CHECK(all.find(large) == 9);
}

TEST_CASE("plain text on the port of TLS gets a hint in plain text") {
  TlsServer server;
  const auto text = GENERATE(as<std::string>{}, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "x", "\r\n");
  const auto answer = ask(server.port, text);
  REQUIRE(answer);
  CHECK(answer->status == 400);
  CHECK(answer->body == "this port speaks TLS: use https:// instead of http://\n");
  CHECK(is_served(server));
}

TEST_CASE("a broken handshake gets a TLS alert, and is counted") {
  TlsServer server;
  RawClient client(server.port);
  client.send(std::string("\x16\x03\x01\x00\x05", 5) + "wrong");
  CHECK(client.read_to_end().starts_with("\x15\x03"));  // a record of the type alert
  CHECK_FALSE(client.was_reset());
  CHECK(server.figures().tls_handshakes_failed == 1);
  CHECK(is_served(server));
}

TEST_CASE("a connection without a complete handshake is ended at its deadline, whatever it sends") {
  Limits limits;
  limits.handshake_time = milliseconds(300);
  TlsServer server(limits);
  RawClient silent(server.port);
  RawClient one_byte(server.port);
  one_byte.send("\x16");
  RawClient half(server.port);
  half.send(client_hello());
  RawClient dripping(server.port);
  const std::string record("\x16\x03\x01\x40", 4);
  const auto begin = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < 1'000 && !dripping.ends_within(milliseconds(10)); ++i) {
    dripping.send(i < record.size() ? record.substr(i, 1) : std::string(1, '\0'));
  }
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(8));
  CHECK(silent.ends_within(RawClient::kPatience));
  CHECK(one_byte.ends_within(RawClient::kPatience));
  CHECK(half.ends_within(RawClient::kPatience));
  CHECK(wait_until([&] { return server.figures().connections == 0; }));
  CHECK(server.figures().overdue == 3);  // one has sent nothing
}

TEST_CASE("half handshakes lose their places to others, also to those of the same address") {
  Limits limits;
  limits.handshakes = 6;
  limits.handshakes_an_address = 5;
  limits.handshake_time = milliseconds(60'000);
  TlsServer server(limits);
  std::vector<RawClient> half;
  for (std::size_t i = 0; i < 20; ++i) {
    half.emplace_back(server.port);
    half.back().send(client_hello());
  }
  CHECK(wait_until([&] { return server.figures().turned_away == 15; }));
  CHECK(server.figures().connections == 5);
  CHECK(is_served(server));
  CHECK(half.front().ends_within(RawClient::kPatience));
}

TEST_CASE("silent connections at the bound lose their places to a handshake") {
  Limits limits;
  limits.connections = 8;
  limits.connections_an_address = 6;
  limits.handshake_time = milliseconds(60'000);
  TlsServer server(limits);
  std::vector<RawClient> silent;
  for (std::size_t i = 0; i < 20; ++i) silent.emplace_back(server.port);
  CHECK(is_served(server));
}

TEST_CASE("a client that asks for new keys again and again is ended, one that asks once is served") {
  TlsServer server;
  TlsRawClient client(server.port);
  REQUIRE(client.handshake());
  client.request_key_update();
  REQUIRE(client.send(request_for("/ok?one")));
  CHECK(client.read_until("one\n").ends_with("one\n"));
  for (int i = 0; i < 100; ++i) {
    client.request_key_update();
    if (!client.send(std::string(1, 'G'))) break;
  }
  CHECK(wait_until([&] { return server.figures().connections == 0; }));
  CHECK(is_served(server));
}

TEST_CASE("a new context is for new connections, and open ones continue; without one the port is in plain text") {
  TlsServer server;
  TlsRawClient old(server.port);
  REQUIRE(old.handshake());
  CHECK(old.name_of_server() == "localhost");
  server.server->use_tls(make_test_context({.name = "renewed"}));
  TlsRawClient fresh(server.port);
  REQUIRE(fresh.handshake());
  CHECK(fresh.name_of_server() == "renewed");
  RawClient undecided(server.port);
  RawClient also_undecided(server.port);
  REQUIRE(wait_until([&] { return server.figures().connections == 4; }));
  server.server->use_tls(nullptr);
  CHECK(get(server.port, "/ok")->status == 200);
  CHECK(also_undecided.ask(request_for("/ok"))->status == 200);
  CHECK(undecided.ask(std::string("\x16\x03\x01", 3))->status == 400);
  for (TlsRawClient* const client : {&old, &fresh}) {
    REQUIRE(client->send(request_for("/ok?still")));
    CHECK(client->read_until("still\n").ends_with("still\n"));
  }
}

}  // namespace
}  // namespace herd::node::http
