// Viewers of an encrypted monitor: who may connect, what a reload changes, and what strangers can cost.
#include <map>

#include "node/observe/viewers.hpp"
#include "tests/node/captured_log.hpp"
#include "tests/node/curve_client.hpp"
#include "tests/node/viewers_port.hpp"

namespace herd::node {
namespace {

using bus::KeyPair;
using bus::make_key_pair;
using zmtp::CurveClient;
using zmtp::subscriber_greeting;

// A port for the viewer alice only.
struct EncryptedPort {
  std::uint16_t port = free_port();
  Nanoseconds now = 1000s;
  KeyPair node = make_key_pair();
  KeyPair alice = make_key_pair();
  Viewers viewers{{"herd.a", "herd.b"}, {}};

  EncryptedPort() {
    viewers.set_keys({node, {{alice.public_key, "alice"}}}, now);
    REQUIRE(viewers.listen({"127.0.0.1", port}));
  }

  template <typename Condition>
  bool until(Condition holds) {
    return wait_until([&] {
      viewers.serve(now);
      return holds();
    });
  }
};

// A connection that shakes hands with a key pair.
struct EncryptedPeer {
  EncryptedPort& port;
  CurveClient client;
  Peer peer;
  std::string received;

  EncryptedPeer(EncryptedPort& its_port, const KeyPair& pair)
      : port(its_port), client(pair, port.node.public_key), peer(port.port) {}

  bool gets(std::size_t bytes) {
    return port.until([&] { return (received += peer.receive()).size() >= bytes; });
  }
  void say_hello() {
    peer.say(subscriber_greeting("CURVE"));
    REQUIRE(gets(zmtp::kGreetingBytes));
    peer.say(as_command(client.hello()));
  }
  void initiate() {
    constexpr std::size_t kWelcomeBytes = 170;
    REQUIRE(gets(zmtp::kGreetingBytes + kWelcomeBytes));
    peer.say(as_command(client.initiate(received.substr(zmtp::kGreetingBytes + 2))));
    received.clear();
  }
  // After the handshake of a viewer that may connect.
  void subscribe() {
    REQUIRE(gets(52));
    CHECK(client.open(received.substr(2, 50)) == "\xbSocket-Type\0\0\0\4XPUB"s);
    peer.say(as_message(client.message("\1herd.a")));
    const std::size_t before = port.viewers.subscribed(kA);
    REQUIRE(port.until([&] { return port.viewers.subscribed(kA) > before; }));
    received.clear();
  }
};

std::unique_ptr<EncryptedPeer> viewer_of(EncryptedPort& port) {
  auto viewer = std::make_unique<EncryptedPeer>(port, port.alice);
  viewer->say_hello();
  viewer->initiate();
  viewer->subscribe();
  return viewer;
}

TEST_CASE("a viewer with a known key reads the messages, each encrypted, and gets its PONG") {
  EncryptedPort port;
  const auto viewer = viewer_of(port);
  const std::string message = zmtp::message("herd.a", "one");
  port.viewers.publish(kA, message);
  CHECK(viewer->gets(2 + 33 + 6 + 2 + 33 + 3));
  CHECK(viewer->received.find("one") == std::string::npos);
  CHECK(viewer->client.open(viewer->received.substr(2, 39)) == "\1herd.a");
  CHECK(viewer->client.open(viewer->received.substr(43, 36)) == "\0one"s);
  viewer->received.clear();
  viewer->peer.say(as_message(viewer->client.message("\4PING\0\0x"s, true)));
  CHECK(viewer->gets(2 + 33 + 6));
  CHECK(viewer->client.open(viewer->received.substr(2)) == "\2\4PONGx");
}

TEST_CASE(
    "a viewer that stops reading costs a few encrypted messages; the others wait in plain text, and are bounded") {
  EncryptedPort port;
  const auto viewer = viewer_of(port);
  for (std::size_t count = 0; count < 3 * kViewerQueue; ++count) {
    port.viewers.publish(kA, zmtp::message("herd.a", std::string(1000, 'x')));
    port.viewers.send(port.now);
  }
  CHECK(port.viewers.counters().overflows > 0);
  REQUIRE(viewer->gets(100'000));
  CHECK(port.viewers.connected() == 1);
}

TEST_CASE("a stranger's key is refused without an answer, logged, and disconnected after the time for a handshake") {
  EncryptedPort port;
  const CapturedLog log;
  const KeyPair random = make_key_pair();
  EncryptedPeer stranger(port, random);
  stranger.say_hello();
  stranger.initiate();
  CHECK(port.until([&] { return port.viewers.counters().refused == 1; }));
  stranger.peer.say(as_message(stranger.client.message("\1herd.a")));
  const auto end = std::chrono::steady_clock::now() + 30ms;
  CHECK(port.until([&] { return std::chrono::steady_clock::now() > end; }));
  CHECK(stranger.peer.receive().empty());
  CHECK_FALSE(stranger.peer.has_ended());
  CHECK(port.viewers.subscribed(kA) == 0);
  port.now += kViewerHandshakeTime + kViewerSweep;
  CHECK(port.until([&] { return stranger.peer.has_ended(); }));
  CHECK(port.viewers.counters().cut == 0);
  CHECK(log.text().find("event=viewer_refused from=127.0.0.1:") != std::string::npos);
  CHECK(log.text().find("key=" + random.public_key) != std::string::npos);
}

TEST_CASE("a viewer in plain text is disconnected, and the log says what it needs") {
  EncryptedPort port;
  const CapturedLog log;
  Peer plain(port.port);
  plain.say(subscriber_start() + as_message("\1herd."));
  CHECK(port.until([&] { return plain.has_ended(); }));
  CHECK(port.viewers.counters().cut == 1);
  CHECK(log.text().find("event=viewer_cut") != std::string::npos);
  CHECK(log.text().find("scripts/herd keygen --viewer") != std::string::npos);
}

TEST_CASE("a viewer is disconnected at once when its key is removed, and one with a key that stays is not") {
  EncryptedPort port;
  const KeyPair bob = make_key_pair();
  port.viewers.set_keys({port.node, {{port.alice.public_key, "alice"}, {bob.public_key, "bob"}}}, port.now);
  const auto removed = viewer_of(port);
  EncryptedPeer stays(port, bob);
  stays.say_hello();
  stays.initiate();
  stays.subscribe();
  port.viewers.set_keys({port.node, {{bob.public_key, "bob"}}}, port.now);
  CHECK(port.viewers.subscribed(kA) == 1);
  CHECK(port.viewers.connected() == 1);
  CHECK(port.until([&] { return removed->peer.has_ended(); }));
  CHECK_FALSE(stays.peer.has_ended());
  EncryptedPeer again(port, port.alice);
  again.say_hello();
  again.initiate();
  CHECK(port.until([&] { return port.viewers.counters().refused == 1; }));
}

TEST_CASE("a key that is added while its viewer tries is admitted at the next try") {
  EncryptedPort port;
  port.viewers.set_keys({port.node, {}}, port.now);
  EncryptedPeer early(port, port.alice);
  early.say_hello();
  early.initiate();
  CHECK(port.until([&] { return port.viewers.counters().refused == 1; }));
  port.viewers.set_keys({port.node, {{port.alice.public_key, "alice"}}}, port.now);
  CHECK(viewer_of(port)->port.viewers.subscribed(kA) == 1);
}

TEST_CASE("an iteration does few steps of handshakes, however many strangers are ready") {
  EncryptedPort port;
  std::vector<std::unique_ptr<EncryptedPeer>> strangers;
  for (int count = 0; count < 12; ++count) {
    strangers.push_back(std::make_unique<EncryptedPeer>(port, make_key_pair()));
    strangers.back()->say_hello();
  }
  for (const auto& stranger : strangers) REQUIRE(wait_until([&] { return stranger->peer.has_delivered(); }));
  const auto answered = [&] {
    std::size_t count = 0;
    for (const auto& stranger : strangers) {
      stranger->received += stranger->peer.receive();
      count += stranger->received.size() > zmtp::kGreetingBytes ? 1 : 0;
    }
    return count;
  };
  const std::size_t before = answered();
  port.viewers.serve(port.now);
  CHECK(wait_until([&] { return answered() >= std::min<std::size_t>(before + kViewerHandshakesAtOnce, 12); }));
  CHECK(answered() <= before + kViewerHandshakesAtOnce);
  CHECK(port.until([&] { return answered() == 12; }));
}

TEST_CASE("strangers cannot make the node accept more encrypted connections per second than its bound") {
  EncryptedPort port;
  std::vector<std::unique_ptr<Peer>> strangers;
  constexpr auto kBurst = static_cast<std::size_t>(kEncryptedAcceptsBurst);
  for (std::size_t count = 0; count < kBurst + 30; ++count) strangers.push_back(std::make_unique<Peer>(port.port));
  for (const auto& stranger : strangers) REQUIRE(wait_until([&] { return stranger->is_connected(); }));
  CHECK(port.until([&] { return port.viewers.counters().accepted == kBurst + 1; }));
  const auto end = std::chrono::steady_clock::now() + 30ms;
  CHECK(port.until([&] { return std::chrono::steady_clock::now() > end; }));
  CHECK(port.viewers.counters().accepted == kBurst + 1);
  CHECK(port.viewers.next_deadline() < port.now + 1s);
  port.now += 1s;
  CHECK(port.until([&] { return port.viewers.counters().accepted == strangers.size(); }));
}

}  // namespace
}  // namespace herd::node
