// Limits of connections: how many one address may have, which one makes room when all places are taken, and how long a
// connection may send no line.
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "node/base/limits.hpp"
#include "tests/catch.hpp"
#include "tests/node/captured_log.hpp"
#include "tests/node/loopback.hpp"

using namespace herd::node;
using namespace std::chrono_literals;
using Client = LoopbackClient;
using Clients = std::vector<std::unique_ptr<Client>>;

namespace {

// Connects one after the other, each when the node has accepted the last.
void connect(LoopbackNode& node, Clients& clients, std::size_t count, const char* from) {
  for (; count > 0; --count) {
    const auto accepted = node.counters.connections_accepted;
    clients.push_back(std::make_unique<Client>(node, from));
    REQUIRE(node.run_until([&] { return node.counters.connections_accepted == accepted + 1; }));
  }
}

bool is_served(Client& client) {
  client.send("x\n");
  return client.read(4) == "? x\n";
}

}  // namespace

TEST_CASE("one address has at most max_connections_per_address connections, and others are served") {
  LoopbackNode node;
  CapturedLog log;
  node.config.max_connections_per_address = 2;
  Clients clients;
  connect(node, clients, 2, "127.0.0.1");
  Client third(node);
  CHECK(node.run_until([&] { return third.has_ended(); }));
  CHECK(node.counters.connections_refused_by_address == 1);
  CHECK(node.counters.connections_refused == 0);
  CHECK(log.count("reason=\"max_connections_per_address is reached\"") == 1);
  connect(node, clients, 1, "127.0.0.2");
  CHECK(is_served(*clients.back()));
  clients.front()->half_close();
  clients.front()->read_to_end();
  REQUIRE(node.run_until([&] { return node.front_end.connections() == 2; }));
  connect(node, clients, 1, "127.0.0.1");
  CHECK(is_served(*clients.back()));
}

TEST_CASE("when all places are taken, an address with fewer connections takes the newest place of the one with most") {
  LoopbackNode node;
  CapturedLog log;
  node.config.max_connections = 4;
  Clients crowd;
  connect(node, crowd, 4, "127.0.0.1");
  Clients others;
  connect(node, others, 1, "127.0.0.2");
  CHECK(node.run_until([&] { return crowd[3]->has_ended(); }));
  CHECK(node.front_end.connections() == 4);
  CHECK(node.counters.connections_displaced == 1);
  CHECK(log.count("event=connection_displaced from=127.0.0.1:") == 1);
  connect(node, others, 1, "127.0.0.2");
  CHECK(node.run_until([&] { return crowd[2]->has_ended(); }));
  Client third(node, "127.0.0.2");  // it would have more than the crowd
  CHECK(node.run_until([&] { return third.has_ended(); }));
  Client late(node);
  CHECK(node.run_until([&] { return late.has_ended(); }));
  CHECK(node.counters.connections_refused == 2);
  for (Client* client : {crowd[0].get(), crowd[1].get(), others[0].get(), others[1].get()}) CHECK(is_served(*client));
}

TEST_CASE("a crowd of one address does not push out an address with fewer connections") {
  LoopbackNode node;
  node.config.max_connections = 8;
  Clients quiet;
  connect(node, quiet, 2, "127.0.0.2");
  Clients crowd;
  connect(node, crowd, 6, "127.0.0.1");
  for (int times = 0; times < 20; ++times) {
    Client further(node);
    REQUIRE(node.run_until([&] { return further.has_ended(); }));
  }
  CHECK(node.counters.connections_displaced == 0);
  for (const auto& client : quiet) CHECK(is_served(*client));
}

TEST_CASE("a connection without a whole line is closed at first_line_timeout, whatever it sends") {
  LoopbackNode node;
  node.config.first_line_timeout = 10s;
  Client silent(node);
  Client slow(node);
  Client talks(node);
  slow.send("IAMAT");
  CHECK(is_served(talks));
  REQUIRE(node.run_until([&] { return node.front_end.connections() == 3 && node.counters.bytes_in == 7; }));
  node.now.steady += 10s - 1ns;
  slow.send(" kiwi");
  REQUIRE(node.run_until([&] { return node.counters.bytes_in == 12; }));
  for (int times = 0; times < 3; ++times) node.io.run_one_for(kSweepPeriod);
  CHECK(node.front_end.connections() == 3);
  node.now.steady += 1ns;
  CHECK(node.run_until([&] { return node.front_end.connections() == 1; }));
  CHECK(node.counters.connections_without_line == 2);
  CHECK(silent.has_ended());
  CHECK(is_served(talks));
}

TEST_CASE(
    "with tokens, a connection without a right one is closed at first_line_timeout, and a wrong one is answered") {
  LoopbackNode node;
  node.config.first_line_timeout = 10s;
  Token token;
  token.name = "good";
  token.hash = hash_of("herd_good");
  node.front_end.use_tokens(std::make_shared<const TokenTable>(std::vector<Token>{token}));
  Client good(node);
  good.send("AUTH herd_good\n");
  CHECK(good.read(29) == "OK good tell= see= level=all\n");
  Client wrong(node);
  wrong.send("AUTH herd_bad\nPING\n");
  REQUIRE(node.run_until([&] { return node.counters.auth_refused == 1; }));
  for (int times = 0; times < 3; ++times) node.io.run_one_for(kSweepPeriod);
  CHECK(node.counters.bytes_out == 29);
  node.now.steady += kAuthDelay;
  CHECK(wrong.read(12) == "? AUTH\nPONG\n");
  node.now.steady += 10s;
  CHECK(node.run_until([&] { return node.front_end.connections() == 1; }));
  CHECK(node.counters.connections_without_line == 1);
  node.front_end.use_tokens(std::make_shared<const TokenTable>(std::vector<Token>{}));
  CHECK(node.run_until([&] { return good.has_ended(); }));
  CHECK(node.counters.connections_revoked == 1);
}

TEST_CASE("a last line without a line end counts as a whole line") {
  LoopbackNode node;
  node.config.first_line_timeout = 100ms;
  Client client(node);
  client.send(kIamat + "\n");
  CHECK(client.read(kAt.size()) == kAt);
  Client asks(node);
  asks.send("WHATSAT kiwi 10 5");
  asks.half_close();
  REQUIRE(node.run_until([&] { return node.lookups.size() == 1; }));
  node.now.steady += 1s;
  for (int times = 0; times < 3; ++times) node.io.run_one_for(kSweepPeriod);
  node.deliver(0, kDocument);
  CHECK(asks.read_to_end() == kAt + kDocument + "\n\n");
  CHECK(node.counters.connections_without_line == 0);
}
