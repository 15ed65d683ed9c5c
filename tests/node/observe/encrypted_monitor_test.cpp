// An encrypted monitor and SUB sockets of libzmq: who reads, and who does not.
#include <chrono>

#include "node/observe/monitor.hpp"
#include "tests/catch.hpp"
#include "tests/node/subscriber.hpp"

namespace herd::node {
namespace {

using std::chrono::milliseconds;

constexpr Subject kStats{EventLevel::Info, EventKind::Stats};
constexpr Subject kClient{EventLevel::Info, EventKind::Client};
constexpr protocol::Nanoseconds kWall{1'520'023'934'918'963'997};

// A monitor for viewers with a key, and SUB sockets of libzmq.
struct EncryptedMonitor : MonitorFixture {
  bus::KeyPair node = bus::make_key_pair();
  bus::KeyPair alice = bus::make_key_pair();

  EncryptedMonitor() {
    monitor.reset();
    auto result = Monitor::bind(endpoint, "Hill", {}, keys_of(alice));
    REQUIRE(result);
    monitor = std::move(*result);
  }
  [[nodiscard]] ViewerKeys keys_of(const bus::KeyPair& viewer) const { return {node, {{viewer.public_key, "alice"}}}; }
  [[nodiscard]] bool publishes_to(Subscriber& viewer) {
    monitor->publish(kStats, "stats", {}, kWall);
    return viewer.next(milliseconds(500)).has_value();
  }
};

TEST_CASE_METHOD(EncryptedMonitor, "a SUB socket with a known key subscribes, reads, cancels and is heard again") {
  Subscriber viewer(*this, "herd.INFO.stats.", SubscriberKeys{alice, node.public_key});
  REQUIRE(receives([&](auto) { return monitor->wanted(kStats); }));
  CHECK(publishes_to(viewer));
  viewer.socket().set(zmq::sockopt::unsubscribe, "herd.INFO.stats.");
  REQUIRE(receives([&](auto) { return !monitor->wanted(kStats); }));
  viewer.socket().set(zmq::sockopt::subscribe, "herd.");
  REQUIRE(receives([&](auto) { return monitor->wanted(kClient); }));
  for (std::size_t count = 0; count < 300; ++count) {
    monitor->publish(kClient, "location", std::array<Field, 1>{{{"client", std::string(count * 3, 'k')}}}, kWall);
  }
  for (int count = 0; count < 300; ++count) {
    const auto message = viewer.next();
    REQUIRE(message);
    CHECK(message->body.at("seq") == count + 1);
  }
}

TEST_CASE_METHOD(EncryptedMonitor, "a SUB socket with heartbeats stays connected, because its PINGs are answered") {
  Subscriber viewer(*this, "herd.", SubscriberKeys{alice, node.public_key, 50});
  REQUIRE(receives([&](auto) { return monitor->wanted(kStats); }));
  const auto end = std::chrono::steady_clock::now() + milliseconds(500);
  REQUIRE(receives([&](auto) { return std::chrono::steady_clock::now() > end; }));
  CHECK(monitor->viewers().counters().accepted == 1);
  CHECK(publishes_to(viewer));
}

TEST_CASE_METHOD(EncryptedMonitor, "a SUB socket without a key, with a random one, or for another node reads nothing") {
  Subscriber viewer(*this, "herd.", SubscriberKeys{alice, node.public_key});
  REQUIRE(receives([&](auto) { return monitor->wanted(kStats); }));
  Subscriber plain(*this, "herd.");
  Subscriber random(*this, "herd.", SubscriberKeys{bus::make_key_pair(), node.public_key});
  Subscriber lost(*this, "herd.", SubscriberKeys{alice, bus::make_key_pair().public_key});
  REQUIRE(receives(
      [&](auto) { return monitor->viewers().counters().refused >= 1 && monitor->viewers().counters().cut >= 2; }));
  CHECK(publishes_to(viewer));
  for (Subscriber* stranger : {&plain, &random, &lost}) CHECK_FALSE(stranger->next(milliseconds(50)));
}

TEST_CASE_METHOD(EncryptedMonitor, "a viewer reads no more after its key is removed, and reads again when it is back") {
  Subscriber viewer(*this, "herd.", SubscriberKeys{alice, node.public_key});
  REQUIRE(receives([&](auto) { return monitor->wanted(kStats); }));
  const auto steady = std::chrono::steady_clock::now().time_since_epoch();
  monitor->set_keys(keys_of(bus::make_key_pair()), steady);
  CHECK_FALSE(monitor->wanted(kStats));
  REQUIRE(receives([&](auto) { return monitor->viewers().counters().refused >= 1; }));
  CHECK_FALSE(publishes_to(viewer));
  monitor->set_keys(keys_of(alice), steady);
  REQUIRE(receives([&](auto) {
    (void)viewer.socket().get(zmq::sockopt::events);  // a SUB socket subscribes again only when it is used
    return monitor->wanted(kStats);
  }));
  CHECK(publishes_to(viewer));
}

TEST_CASE_METHOD(EncryptedMonitor, "at the start a stranger is proven to be refused, and is not counted") {
  CHECK(monitor->prove(context, endpoint));
  CHECK(monitor->viewers().counters().refused == 0);
}

TEST_CASE_METHOD(EncryptedMonitor, "the proof fails if nothing answers at the address") {
  const auto proven = monitor->prove(context, "tcp://127.0.0.1:" + std::to_string(free_port()));
  REQUIRE_FALSE(proven);
  CHECK(proven.error().message.find("did not refuse a stranger with a random key in time") != std::string::npos);
}

}  // namespace
}  // namespace herd::node
