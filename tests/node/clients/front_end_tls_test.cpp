// Clients that speak TLS, and clients that speak the wrong one of TLS and plain text.
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "node/base/limits.hpp"
#include "tests/catch.hpp"
#include "tests/node/captured_log.hpp"
#include "tests/node/loopback.hpp"
#include "tests/node/one_session.hpp"
#include "tests/node/test_certificate.hpp"
#include "tests/node/tls_client.hpp"

using namespace herd::node;
using namespace std::chrono_literals;
using Client = LoopbackClient;

namespace {

const std::string kWhatsat = "WHATSAT kiwi 10 5\n";

struct TlsNode : LoopbackNode {
  TlsNode() { front_end.use_tls(make_test_context()); }
};

// Runs the sweep several times.
void let_pass(LoopbackNode& node) {
  for (int times = 0; times < 3; ++times) node.io.run_one_for(kSweepPeriod);
}

}  // namespace

TEST_CASE("a client reports and asks over TLS 1.2 and 1.3, and half-closes with close_notify") {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsNode node;
    TlsClient client(node, version);
    REQUIRE(client.handshake());
    CHECK(client.version() == (version == TLS1_2_VERSION ? "TLSv1.2" : "TLSv1.3"));
    client.send(kIamat + "\n" + kIamat + "\r\nunknown");
    client.half_close();
    CHECK(client.read_to_end() == kAt + "IGNORE\n? unknown\n");
    CHECK(node.run_until([&] { return node.front_end.connections() == 0; }));
    CHECK(node.counters.tls_handshakes == 1);
    CHECK(node.counters.bytes_in == 2 * kIamat.size() + 3 + 7);
    CHECK(node.counters.bytes_out == kAt.size() + 7 + 10);
  }
}

TEST_CASE("a client of TLS 1.2 is refused where 1.3 is the oldest version") {
  LoopbackNode node;
  node.front_end.use_tls(make_test_context({}, TlsVersion::Tls13));
  TlsClient old(node, TLS1_2_VERSION);
  CHECK_FALSE(old.handshake());
  CHECK(node.run_until([&] { return node.front_end.connections() == 0; }));
  CHECK(node.counters.tls_handshakes_failed == 1);
  TlsClient client(node);
  CHECK(client.handshake());
}

TEST_CASE("an end of the connection without close_notify does not end the last line") {
  TlsNode node;
  TlsClient client(node);
  REQUIRE(client.handshake());
  client.send(kIamat + "\n" + "IAMAT victim +0+0 5");
  client.plain().half_close();
  CHECK(node.run_until([&] { return node.front_end.connections() == 0; }));
  CHECK(node.counters.iamat_stored == 1);
  CHECK_FALSE(node.replica.find("victim"));
}

TEST_CASE("plain text on a port that speaks TLS is answered in plain text, and the connection ends") {
  TlsNode node;
  Client client(node);
  client.send(kIamat + "\n");
  CHECK(client.read_to_end() == "This port speaks TLS: connect with TLS, for example with openssl s_client.\n");
  client.send(repeated("y", 1'000));
  client.half_close();
  CHECK(node.run_until([&] { return node.front_end.connections() == 0; }));
  CHECK(node.counters.tls_plain_text == 1);
  CHECK(node.counters.iamat_stored == 0);
  for (const std::string method : {"GET", "HEAD", "POST"}) {
    Client browser(node);
    browser.send(method + " / HTTP/1.1\r\n\r\n");
    CHECK(browser.read_to_end().starts_with("HTTP/1.1 400 Bad Request\r\n"));
  }
  Client telnet(node);
  telnet.send("\xFF\xFB\x06");
  CHECK(telnet.read_to_end().starts_with("This port speaks TLS"));
  CHECK(node.counters.tls_plain_text == 5);
  CHECK(node.counters.tls_handshakes_failed == 0);
}

TEST_CASE("TLS on a port that does not speak it is answered in plain text, and the connection ends") {
  LoopbackNode node;
  TlsClient client(node);
  client.begin_handshake();
  CHECK(client.plain().read_to_end() ==
        "This port does not speak TLS: connect without TLS, or set tls = \"on\" under [clients] in herd.toml.\n");
  client.plain().half_close();
  CHECK(node.run_until([&] { return node.front_end.connections() == 0; }));
  CHECK(node.counters.tls_not_spoken == 1);
  CHECK(node.counters.lines_too_long + node.counters.unknown_commands == 0);
  Client other(node);
  other.send("x\n\x16\x03\x01\n");  // not at the beginning
  CHECK(other.read(19) == "? x\n? \\x16\\x03\\x01\n");
}

TEST_CASE("a connection that sends nothing begins no handshake, and one byte of TLS begins it") {
  TlsNode node;
  Client client(node);
  REQUIRE(node.run_until([&] { return node.front_end.connections() == 1; }));
  CHECK(node.front_end.handshakes() == 0);
  client.send("\x16");
  CHECK(node.run_until([&] { return node.front_end.handshakes() == 1; }));
  client.half_close();
  CHECK(node.run_until([&] { return node.front_end.connections() == 0; }));
  CHECK(node.front_end.handshakes() == 0);
  CHECK(node.counters.tls_handshakes_failed == 1);
  {
    const Client gone(node);
    REQUIRE(node.run_until([&] { return node.front_end.connections() == 1; }));
  }
  CHECK(node.run_until([&] { return node.front_end.connections() == 0; }));
  CHECK(node.counters.tls_handshakes_failed == 1);
}

TEST_CASE("a handshake that is not complete in time ends its connection") {
  TlsNode node;
  CapturedLog log;
  Client client(node);
  client.send("\x16\x03\x01");
  REQUIRE(node.run_until([&] { return node.front_end.handshakes() == 1; }));
  node.now.steady += kHandshakeTimeout - 1ns;
  let_pass(node);
  CHECK(node.front_end.connections() == 1);
  node.now.steady += 1ns;
  CHECK(node.run_until([&] { return node.front_end.connections() == 0; }));
  CHECK(node.counters.tls_handshakes_timed_out == 1);
  CHECK(log.count("event=tls_handshake_failed from=127.0.0.1:") == 1);

  node.config.first_line_timeout = 1s;
  Client hurried(node);
  hurried.send("\x16\x03\x01");
  REQUIRE(node.run_until([&] { return node.front_end.handshakes() == 1; }));
  node.now.steady += 1s;
  CHECK(node.run_until([&] { return node.front_end.connections() == 0; }));
  CHECK(node.counters.tls_handshakes_timed_out == 2);
}

TEST_CASE("one address gets at most kMaxHandshakesOfAddress handshakes, and another address still gets one") {
  TlsNode node;
  CapturedLog log;
  std::vector<std::unique_ptr<Client>> clients;
  for (std::size_t i = 0; i < kMaxHandshakesOfAddress; ++i) {
    clients.push_back(std::make_unique<Client>(node));
    clients.back()->send("\x16");
  }
  REQUIRE(node.run_until([&] { return node.front_end.handshakes() == kMaxHandshakesOfAddress; }));
  Client refused(node);
  refused.send("\x16");
  CHECK(node.run_until([&] { return refused.has_ended(); }));
  CHECK(node.counters.tls_handshakes_refused == 1);
  CHECK(log.count("event=tls_handshake_refused from=127.0.0.1:") == 1);
  Client other(node, "127.0.0.2");
  other.send("\x16");
  CHECK(node.run_until([&] { return node.front_end.handshakes() == kMaxHandshakesOfAddress + 1; }));
}

TEST_CASE("when all handshakes are taken, an address with few takes a place from the address with most") {
  TlsNode node;
  std::vector<std::unique_ptr<Client>> clients;
  for (std::size_t i = 0; i < kMaxHandshakes; ++i) {
    clients.push_back(std::make_unique<Client>(node, i % 2 == 0 ? "127.0.0.2" : "127.0.0.3"));
    clients.back()->send("\x16");
    REQUIRE(node.run_until([&] { return node.front_end.handshakes() == i + 1; }));
  }
  TlsClient third(node);  // 127.0.0.1
  CHECK(third.handshake());
  CHECK(node.run_until([&] { return node.counters.tls_handshakes_refused == 1; }));
  CHECK(node.run_until([&] { return clients[0]->has_ended(); }));
  CHECK_FALSE(clients[1]->has_ended());
  CHECK(node.front_end.handshakes() == kMaxHandshakes - 1);
}

TEST_CASE("a handshake of an address that would then have most takes no place") {
  Handshakes handshakes;
  std::vector<ClientAddresses::Entry> addresses(kMaxHandshakes);
  std::vector<std::unique_ptr<Handshakes::Slot>> slots;
  for (auto& address : addresses) slots.push_back(std::make_unique<Handshakes::Slot>(handshakes, address, -1));
  ClientAddresses::Entry newcomer;
  CHECK_FALSE(handshakes.admit(newcomer));
  slots.back().reset();
  slots.back() = std::make_unique<Handshakes::Slot>(handshakes, addresses.front(), -1);
  CHECK(handshakes.admit(newcomer));
  CHECK(slots.front()->is_displaced());
  CHECK(addresses.front().handshakes == 1);
  CHECK(handshakes.under_way() == kMaxHandshakes - 1);
}

TEST_CASE("one loop iteration takes at most kHandshakeStepsInOneGo steps of handshakes") {
  Handshakes handshakes;
  for (int iterations = 0; iterations < 2; ++iterations) {
    for (std::size_t steps = 0; steps < kHandshakeStepsInOneGo; ++steps) CHECK(handshakes.take_step());
    CHECK_FALSE(handshakes.take_step());
    handshakes.new_iteration();
  }
}

TEST_CASE("lines in more records than one loop iteration reads are all answered") {
  TlsNode node;
  TlsClient client(node);
  REQUIRE(client.handshake());
  const std::string all = repeated("x\n", 5 * kMaxRecordsInOneGo);
  for (const char byte : all) client.send_some(std::string(1, byte));
  CHECK(client.read(2 * all.size()) == repeated("? x\n", all.size() / 2));
}

TEST_CASE("input that TLS has read ahead waits for a session that is full, and is read when it is not") {
  TlsNode node;
  TlsClient client(node);
  REQUIRE(client.handshake());
  client.send(kIamat + "\n" + repeated(kWhatsat, kMaxPendingLookups + 2));
  REQUIRE(node.run_until([&] { return node.lookups.size() == kMaxPendingLookups; }));
  client.send(kIamat + "\n");
  client.send(kIamat + "\n");
  for (places::Ticket ticket = 0; ticket < kMaxPendingLookups + 2; ++ticket) {
    REQUIRE(node.run_until([&] { return ticket < node.lookups.size(); }));
    node.deliver(ticket, kDocument);
  }
  const std::string answers = repeated(kAt + kDocument + "\n\n", kMaxPendingLookups + 2);
  CHECK(client.read(kAt.size() + answers.size() + 14) == kAt + answers + "IGNORE\nIGNORE\n");
}

TEST_CASE("a client of TLS that reads late gets all replies, and its timing marks answered between them") {
  TlsNode node;
  TlsClient client(node);
  REQUIRE(client.handshake());
  const std::string line = repeated("x", 1000) + "\n";
  std::string all;
  for (int i = 0; i < 3000; ++i) all += i % 100 == 99 ? line + "\xFF\xFD\x06" : line;
  std::size_t sent = 0;
  std::string answers;
  REQUIRE(node.run_until([&] {
    const std::size_t count = client.send_some(all.substr(sent, 200'000));
    sent += count;
    if (count == 0) answers += client.read_once();
    return sent == all.size();
  }));
  client.half_close();
  answers += client.read_to_end();
  std::size_t marks = 0;
  const std::string mark = "\xFF\xFB\x06";
  for (auto at = answers.find(mark); at != std::string::npos; at = answers.find(mark)) {
    answers.erase(at, mark.size());
    ++marks;
  }
  CHECK(marks == 30);
  CHECK(answers == repeated("? " + line, 3000));
}

TEST_CASE("a client may ask for new keys") {
  TlsNode node;
  TlsClient client(node);
  REQUIRE(client.handshake());
  for (int times = 0; times < 5; ++times) {
    client.request_key_update();
    client.send("x\n");
    CHECK(client.read(4) == "? x\n");
  }
}

TEST_CASE("a client that asks for new keys again and again is disconnected") {
  TlsNode node;
  TlsClient client(node);
  REQUIRE(client.handshake());
  for (std::size_t times = 0; times < kMaxTlsMessages; ++times) {
    client.request_key_update();
    client.send("x\n");
    CHECK(client.read(4) == "? x\n");
  }
  client.request_key_update();
  (void)client.send_some("x\n");
  CHECK(client.is_closed());
  CHECK(node.run_until([&] { return node.front_end.connections() == 0; }));
}

TEST_CASE("new connections use a new certificate, and those that exist continue") {
  LoopbackNode node;
  node.front_end.use_tls(make_test_context({.name = "old"}));
  TlsClient old(node);
  REQUIRE(old.handshake());
  node.front_end.use_tls(make_test_context({.name = "new"}));
  TlsClient fresh(node);
  REQUIRE(fresh.handshake());
  CHECK(old.name_of_node() == "old");
  CHECK(fresh.name_of_node() == "new");
  old.send("x\n");
  CHECK(old.read(4) == "? x\n");
  TlsClient waits(node);
  REQUIRE(node.run_until([&] { return node.front_end.connections() == 3; }));
  node.front_end.use_tls(nullptr);
  Client plain(node);
  plain.send("y\n");
  CHECK(plain.read(4) == "? y\n");
  waits.plain().send("z\n");  // accepted before, and now served in plain text
  CHECK(waits.plain().read(4) == "? z\n");
  fresh.send("x\n");
  CHECK(fresh.read(4) == "? x\n");
  CHECK(node.counters.tls_handshakes == 2);
}

TEST_CASE("a line that is too long ends a connection of TLS as one of plain text") {
  TlsNode node;
  TlsClient client(node);
  REQUIRE(client.handshake());
  client.send(kIamat + "\n" + repeated("x", 60'000));
  CHECK(client.read_to_end() == kAt + "? " + repeated("x", 64) + "\n");
  CHECK(node.front_end.connections() == 1);  // half-closed: the client may still be sending
  client.half_close();
  client.plain().half_close();
  CHECK(node.run_until([&] { return node.front_end.connections() == 0; }));
}

TEST_CASE("a clean stop ends idle connections of TLS with close_notify, and handshakes at once") {
  TlsNode node;
  TlsClient idle(node);
  REQUIRE(idle.handshake());
  Client unfinished(node);
  unfinished.send("\x16");
  REQUIRE(node.run_until([&] { return node.counters.tls_handshakes == 1 && node.front_end.handshakes() == 1; }));
  node.now.steady += kMaxDiscardTime;
  node.front_end.stop(node.now.steady + 5s);
  CHECK(node.front_end.idle());
  CHECK(idle.read_to_end().empty());
  CHECK(unfinished.has_ended());
}
