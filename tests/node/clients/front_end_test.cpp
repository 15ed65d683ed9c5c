#include "node/clients/front_end.hpp"

#include <sys/resource.h>
#include <sys/socket.h>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "node/base/limits.hpp"
#include "tests/catch.hpp"
#include "tests/node/captured_log.hpp"
#include "tests/node/loopback.hpp"
#include "tests/node/one_node.hpp"

using namespace herd::node;
using namespace std::chrono_literals;
using asio::ip::tcp;
using Client = LoopbackClient;
using Node = LoopbackNode;

namespace {

const std::string kWhatsat = "WHATSAT kiwi 10 5\n";

std::string repeated(const std::string& text, std::size_t times) {
  std::string all;
  for (; times > 0; --times) {
    all += text;
  }
  return all;
}

}  // namespace

TEST_CASE("all commands of a client that pipelines and half-closes are answered, then the node closes") {
  Node node;
  Client client(node);
  client.send(kIamat + "\n" + kIamat + "\r\nunknown");
  client.half_close();
  CHECK(client.read_to_end() == kAt + "IGNORE\n? unknown\n");
  CHECK(node.run_until([&] { return node.front_end.connections() == 0; }));
  CHECK(node.counters.bytes_in == 2 * kIamat.size() + 3 + 7);
  CHECK(node.counters.bytes_out == kAt.size() + 7 + 10);
}

TEST_CASE("the AT line, the document and the two newlines arrive in one read") {
  Node node;
  Client client(node);
  client.send(kIamat + "\n" + kWhatsat);
  CHECK(client.read(kAt.size()) == kAt);
  REQUIRE(node.run_until([&] { return node.lookups.size() == 1; }));
  const std::string document = "{\"results\":\"" + repeated("x", 40'000) + "\"}";
  node.deliver(0, document);
  CHECK(client.read_once() == kAt + document + "\n\n");
}

TEST_CASE("replies keep the order of the commands around a slow lookup, and other clients do not wait") {
  Node node;
  Client slow(node);
  slow.send(kIamat + "\n" + kWhatsat + kIamat + "\n");
  REQUIRE(node.run_until([&] { return node.counters.iamat_duplicate == 1; }));
  Client fast(node);
  fast.send(kIamat + "\n");
  CHECK(fast.read(7) == "IGNORE\n");
  CHECK(slow.read_once() == kAt);
  node.deliver(0, kDocument);
  CHECK(slow.read_once() == kAt + kDocument + "\n\nIGNORE\n");
}

TEST_CASE("a client that half-closes while its lookup is under way still gets the answer") {
  Node node;
  Client client(node);
  client.send(kIamat + "\n" + kWhatsat);
  client.half_close();
  REQUIRE(node.run_until([&] { return node.lookups.size() == 1; }));
  CHECK(client.read(kAt.size()) == kAt);
  node.deliver(0, kDocument);
  CHECK(client.read_to_end() == kAt + kDocument + "\n\n");
}

TEST_CASE("a document for a closed connection or an unknown ticket is ignored") {
  Node node;
  {
    Client client(node);
    client.send(kIamat + "\n" + kWhatsat);
    REQUIRE(node.run_until([&] { return node.lookups.size() == 1; }));
    client.socket().set_option(asio::socket_base::linger(true, 0));  // closing sends a reset
  }
  REQUIRE(node.run_until([&] { return node.front_end.connections() == 0; }));
  node.deliver(0, kDocument);
  node.deliver(0, kDocument);
  node.deliver(77, kDocument);
  CHECK(node.front_end.connections() == 0);
}

TEST_CASE("a client with too many lookups under way is not read from until one of them is answered") {
  Node node;
  Client client(node);
  client.send(kIamat + "\n" + repeated(kWhatsat, kMaxPendingLookups + 2));
  REQUIRE(node.run_until([&] { return node.lookups.size() == kMaxPendingLookups; }));
  const auto received = node.counters.bytes_in;
  client.send(kIamat + "\n");
  Client other(node);  // when it is served, the node could have read from the first client, too
  other.send(kIamat + "\n");
  CHECK(other.read(7) == "IGNORE\n");
  CHECK(node.counters.bytes_in == received + kIamat.size() + 1);
  for (places::Ticket ticket = 0; ticket < kMaxPendingLookups + 2; ++ticket) {
    REQUIRE(ticket < node.lookups.size());
    node.deliver(ticket, kDocument);
  }
  const std::string answers = repeated(kAt + kDocument + "\n\n", kMaxPendingLookups + 2);
  CHECK(client.read(kAt.size() + answers.size() + 7) == kAt + answers + "IGNORE\n");
}

TEST_CASE("a line that is too long gets its reply, whatever follows it, and the connection ends") {
  Node node;
  Client client(node);
  client.send(kIamat + "\n" + repeated("x", 600'000));
  CHECK(client.read_to_end() == kAt + "? " + repeated("x", 64) + "\n");
  CHECK(node.front_end.connections() == 1);  // half-closed: the client may still be sending
  client.send(repeated("y", 1'000));
  client.half_close();
  CHECK(node.run_until([&] { return node.front_end.connections() == 0; }));
  CHECK(node.counters.lines_too_long == 1);
}

TEST_CASE("after a line that was too long, input is discarded up to kMaxDiscardedBytes") {
  Node node;
  Client client(node);
  client.send(repeated("x", 1025));
  CHECK(client.read_to_end() == "? " + repeated("x", 64) + "\n");
  const auto received = node.counters.bytes_in;
  CHECK(node.run_until([&] {
    client.send_some(repeated("y", 10'000));
    return node.front_end.connections() == 0;
  }));
  CHECK(node.counters.bytes_in - received > kMaxDiscardedBytes);
  CHECK(node.counters.bytes_in - received <= kMaxDiscardedBytes + kReadBufferBytes);
}

TEST_CASE("after a line that was too long, the client has kMaxDiscardTime to close") {
  Node node;
  Client client(node);
  client.send(repeated("x", 1025));
  client.read_to_end();
  node.now.steady += kMaxDiscardTime - 1ns;
  Client other(node);
  other.send(kIamat + "\n");
  CHECK(other.read(kAt.size()) == kAt);
  CHECK(node.front_end.connections() == 2);
  node.now.steady += 1ns;
  CHECK(node.run_until([&] { return node.front_end.connections() == 1; }));
}

TEST_CASE("an idle connection is closed after idle_timeout, an active one is not") {
  Node node;
  Client idle(node);
  Client active(node);
  REQUIRE(node.run_until([&] { return node.front_end.connections() == 2; }));
  node.now.steady += node.config.idle_timeout - 1s;
  active.send(kIamat + "\n");
  CHECK(active.read(kAt.size()) == kAt);
  node.now.steady += 1s;
  CHECK(node.run_until([&] { return idle.has_ended(); }));
  CHECK(node.front_end.connections() == 1);
  CHECK_FALSE(active.has_ended());
}

TEST_CASE("a client that takes no replies is not read from, and is closed after idle_timeout") {
  Node node;
  Client client(node);
  const std::string chunk = repeated(repeated("x", 1000) + "\n", 100);
  std::uint64_t received = 0;
  REQUIRE(node.run_until([&] {  // until a round of sending brings the node no more bytes
    received = node.counters.bytes_in;
    const std::size_t sent = client.send_some(chunk);
    for (int turns = 0; turns < 20; ++turns) {
      node.io.poll_one();
    }
    return sent == 0 && received == node.counters.bytes_in && received > kMaxOutputBytes;
  }));
  CHECK(node.counters.bytes_in - node.counters.bytes_out <= kMaxOutputBytes + 2 * kReadBufferBytes);
  CHECK(node.front_end.connections() == 1);
  node.now.steady += node.config.idle_timeout;
  CHECK(node.run_until([&] { return node.front_end.connections() == 0; }));
}

TEST_CASE("a client that reads late gets all replies") {
  Node node;
  Client client(node);
  const std::string line = repeated("x", 1000) + "\n";
  const std::string all = repeated(line, 5000);
  std::size_t sent = 0;
  std::string answers;
  REQUIRE(node.run_until([&] {
    const std::size_t count = client.send_some(all.substr(sent, 200'000));
    sent += count;
    if (count == 0) {
      answers += client.read_once();
    }
    return sent == all.size();
  }));
  client.half_close();
  answers += client.read_to_end();
  CHECK(answers == repeated("? " + line, 5000));
}

TEST_CASE("a connection above max_connections is closed at once, and the others stay open") {
  Node node;
  node.config.max_connections = 2;
  Client one(node);
  Client two(node);
  REQUIRE(node.run_until([&] { return node.front_end.connections() == 2; }));
  Client three(node);
  CHECK(node.run_until([&] { return three.has_ended(); }));
  CHECK(node.counters.connections_accepted == 2);
  CHECK(node.counters.connections_refused == 1);
  two.send(kIamat + "\n");
  CHECK(two.read(kAt.size()) == kAt);
  one.half_close();
  one.read_to_end();
  REQUIRE(node.run_until([&] { return node.front_end.connections() == 1; }));
  Client four(node);
  CHECK(node.run_until([&] { return node.counters.connections_accepted == 3; }));
}

TEST_CASE("connections may end in any order: the others are served, and all are removed in the end") {
  Node node;
  std::vector<std::unique_ptr<Client>> clients;
  for (std::size_t count = 1; count <= 6; ++count) {
    clients.push_back(std::make_unique<Client>(node));
    REQUIRE(node.run_until([&] { return node.front_end.connections() == count; }));
  }
  for (const std::size_t ends : {0U, 5U, 2U, 4U, 1U}) {
    const std::size_t before = node.front_end.connections();
    clients[ends]->half_close();
    CHECK(clients[ends]->read_to_end().empty());
    REQUIRE(node.run_until([&] { return node.front_end.connections() == before - 1; }));
  }
  clients[3]->send("x\n");
  CHECK(clients[3]->read(4) == "? x\n");
}

TEST_CASE("at the deadline of a stop all connections are closed") {
  Node node;
  std::vector<std::unique_ptr<Client>> clients;
  while (clients.size() < kSweepAtLeast + 10) {
    clients.push_back(std::make_unique<Client>(node));
    REQUIRE(node.run_until([&] { return node.front_end.connections() == clients.size(); }));
  }
  node.front_end.stop(node.now.steady);
  REQUIRE(node.run_until([&] { return node.front_end.connections() < clients.size(); }));
  CHECK(node.front_end.idle());
}

TEST_CASE("the error for a port in use names it and the way out") {
  Node node;
  Node other;
  const auto port = node.front_end.port();
  asio::io_context io;
  FrontEnd second({io, node.replica, node.config, node.watches, node.counters, node.clock, {}});
  const auto listening = second.listen({"127.0.0.1", port});
  REQUIRE_FALSE(listening);
  CHECK(listening.error().message == "clients address 127.0.0.1:" + std::to_string(port) +
                                         " is in use: stop the other process or change `clients` in the configuration");
}

TEST_CASE("the error for an address that this host does not have names it") {
  OneNode node;
  asio::io_context io;
  FrontEnd front_end({io, node.replica, node.config, node.watches, node.counters, node.clock, {}});
  const auto listening = front_end.listen({"192.0.2.1", 12140});
  REQUIRE_FALSE(listening);
  CHECK(listening.error().message.starts_with("clients address 192.0.2.1:12140 cannot be listened on ("));
}

TEST_CASE("a clean stop answers pending commands, closes idle connections, and accepts no new ones") {
  Node node;
  Client pending(node);
  Client idle(node);
  pending.send(kIamat + "\n" + kWhatsat);
  REQUIRE(node.run_until([&] { return node.lookups.size() == 1 && node.front_end.connections() == 2; }));
  node.now.steady += kMaxDiscardTime;
  const auto port = node.front_end.port();
  node.front_end.stop(node.now.steady + 5s);
  CHECK(node.front_end.connections() == 1);
  CHECK(idle.read_to_end().empty());
  CHECK_FALSE(node.front_end.idle());
  node.deliver(0, kDocument);
  CHECK(pending.read_to_end() == kAt + kAt + kDocument + "\n\n");
  pending.half_close();
  CHECK(node.run_until([&] { return node.front_end.idle(); }));
  asio::io_context io;
  tcp::socket late(io);
  std::error_code error;
  late.connect({asio::ip::address_v4::loopback(), port}, error);
  CHECK(error == asio::error::connection_refused);
}

TEST_CASE("a stop discards what an idle client has just sent, without a reset that would destroy its last reply") {
  Node node;
  Client client(node);
  client.send(kIamat + "\n");
  REQUIRE(node.run_until([&] { return node.counters.iamat_stored == 1; }));
  node.now.steady += kMaxDiscardTime;
  client.send_some("unread");
  node.front_end.stop(node.now.steady + 5s);
  CHECK(client.read_to_end() == kAt);
  client.half_close();
  CHECK(node.run_until([&] { return node.front_end.idle(); }));
}

TEST_CASE("a stop waits for a pending reply no longer than its deadline") {
  Node node;
  Client client(node);
  client.send(kIamat + "\n" + kWhatsat);
  REQUIRE(node.run_until([&] { return node.lookups.size() == 1; }));
  node.front_end.stop(node.now.steady + 2s);
  node.now.steady += 2s - 1ns;
  for (int times = 0; times < 3; ++times) {  // so that the sweep can run
    node.io.run_one_for(kSweepPeriod);
  }
  CHECK_FALSE(node.front_end.idle());
  node.now.steady += 1ns;
  CHECK(node.run_until([&] { return node.front_end.idle(); }));
}

TEST_CASE(
    "without a free descriptor the front end backs off with one warning, and serves the client when one is free") {
  CapturedLog log;
  Node node;
  for (std::size_t episode = 1; episode <= 2; ++episode) {
    Client client(node);
    client.send(kIamat + "\n");
    rlimit before{};
    REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
    rlimit none = before;
    none.rlim_cur =
        static_cast<rlim_t>(client.socket().native_handle()) + 1;  // the lowest free descriptor is not below this limit
    REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
    const auto start = std::chrono::steady_clock::now();
    std::size_t handled = 0;  // the first accept, then sweeps, and further accepts after a backoff each
    while (handled < 6 && std::chrono::steady_clock::now() < start + 10s) {
      handled += node.io.run_one_for(1ms);
    }
    const auto passed = std::chrono::steady_clock::now() - start;
    REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK(node.counters.connections_accepted == episode - 1);
    CHECK(passed >= kAcceptBackoff);  // the loop does not spin
    CHECK(log.count("event=accept_failed") == episode);
    client.half_close();
    CHECK_FALSE(client.read_to_end().empty());
  }
}
