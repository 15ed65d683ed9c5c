#include "tests/bus/two_replicas.hpp"

#include <random>

#include "tests/catch.hpp"

// Two replicas with a link, on which messages may be lost.

using namespace herd::bus;
using namespace herd::protocol;

namespace {

std::string client(std::uint64_t i) {
  return "client" + std::to_string(i);
}

void report_many(Replica& replica, std::uint64_t count, const Now& now) {
  for (std::uint64_t i = 0; i < count; ++i) REQUIRE(accept(replica, client(i), "5", now).result == Accepted::Stored);
}

}  // namespace

TEST_CASE("a report to one node reaches the other") {
  TwoReplicas two;
  REQUIRE(accept(*two.hill, "kiwi", "5", two.now, "+10.5-20.25").result == Accepted::Stored);
  REQUIRE(two.deliver());
  REQUIRE(two.smith->find("kiwi"));
  const RecordView record = *two.smith->find("kiwi");
  CHECK(record.coordinates == "+10.5-20.25");
  CHECK(record.time_text == "5");
  CHECK(record.origin == "Hill");
  CHECK(record.difference == two.now.wall - 5s);
  CHECK(two.equal());
  CHECK(two.hill->peer_status(0, two.now).state == Connected::Up);
  CHECK(two.hill->peer_status(0, two.now).lag == 0);
  const Traffic sent = two.hill->peer_status(0, two.now).sent;
  const Traffic received = two.smith->peer_status(0, two.now).received;
  CHECK(received.messages > 0);
  CHECK(received.bytes > 10 * received.messages);
  CHECK(sent.messages > received.messages);  // a HELLO comes by a route that is not accepted yet
  CHECK(sent.bytes > received.bytes);
  CHECK(two.hill->synchronised());
}

TEST_CASE("the parts of a replica agree after any reports, with messages that are lost, and after restarts") {
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    std::mt19937_64 random(seed);
    TwoReplicas two({.max_in_flight = 2, .max_batch = 8});
    two.arrives = [&](const auto&) { return random() % 4 != 0; };
    for (int i = 0; i < 200; ++i) {
      Replica& reached = random() % 2 == 0 ? *two.hill : *two.smith;
      const std::string time = std::to_string(1 + random() % 100);
      for (int count = 0; count < 5; ++count) (void)accept(reached, client(random() % 50), time, two.now);
      if (random() % 20 == 0) (void)reached.reset(client(random() % 50), two.now);
      if (random() % 40 == 0) two.smith = make_replica("Smith", {"Hill"}, 3 + random() % 1000);
      REQUIRE(two.advance(Nanoseconds{static_cast<std::int64_t>(random() % 300'000'000)}));
      two.hill->check_invariants();
      two.smith->check_invariants();
    }
  }
}

TEST_CASE("an update is not sent back to the incarnation that it came from") {
  TwoReplicas two;
  REQUIRE(two.deliver());
  report_many(*two.hill, 10, two.now);
  REQUIRE(two.advance(1s));
  CHECK(two.hill->counters().updates_sent == 10);
  CHECK(two.smith->counters().updates_sent == 0);
  CHECK(two.smith->peer_status(0, two.now).lag == 0);  // the empty range was acknowledged
}

TEST_CASE("an idle link carries only a PING and its PONG per second each way") {
  TwoReplicas two;
  report_many(*two.hill, 10, two.now);
  REQUIRE(two.advance(2s));
  const std::size_t before = two.delivered;
  REQUIRE(two.advance(10s));
  CHECK(two.delivered - before <= 4 * 10 + 4);
}

TEST_CASE("a node that lost its store gets back all records, its own and others'") {
  TwoReplicas two;
  report_many(*two.smith, 5, two.now);
  REQUIRE(accept(*two.hill, "kiwi", "5", two.now).result == Accepted::Stored);
  REQUIRE(two.advance(1s));
  REQUIRE(two.equal());
  two.smith = make_replica("Smith", {"Hill"}, 3);
  REQUIRE(two.advance(3s));
  CHECK(two.equal());
  CHECK(two.smith->store().size() == 6);
  CHECK(two.smith->synchronised());
}

TEST_CASE("a link wakes up within two seconds after the other side's restart, though it was idle") {
  TwoReplicas two;
  REQUIRE(two.advance(5s));
  two.smith = make_replica("Smith", {"Hill"}, 3);
  REQUIRE(two.advance(2s));
  CHECK(two.hill->peer_status(0, two.now).state == Connected::Up);
  CHECK(two.smith->peer_status(0, two.now).state == Connected::Up);
}

TEST_CASE("a lost batch is sent again when the next one leaves a gap, and the next one is merged all the same") {
  TwoReplicas two;
  REQUIRE(two.deliver());
  two.arrives = [](const Message& message) { return !std::holds_alternative<Batch>(message); };
  REQUIRE(accept(*two.hill, "first", "5", two.now).result == Accepted::Stored);
  (void)two.hill->take(0, two.now);  // this batch is lost
  two.arrives = [&](const Message& message) {
    const auto* batch = std::get_if<Batch>(&message);
    return batch == nullptr || batch->from > 0;  // the repeated batch is lost too
  };
  REQUIRE(accept(*two.hill, "second", "5", two.now).result == Accepted::Stored);
  REQUIRE(two.deliver());
  CHECK(two.smith->find("second"));
  CHECK_FALSE(two.smith->find("first"));
  two.arrives = [](const Message&) { return true; };
  REQUIRE(two.advance(1s));
  CHECK(two.equal());
}

TEST_CASE("an ACK is owed for a batch until it is sent") {
  TwoReplicas two;
  REQUIRE(two.deliver());
  REQUIRE(accept(*two.hill, "kiwi", "5", two.now).result == Accepted::Stored);
  const auto batch = two.hill->take(0, two.now);
  REQUIRE(batch);
  CHECK_FALSE(two.smith->peers()[0].link.receiving().owes_ack());
  receive(*two.smith, "from Hill", *batch, two.now);
  CHECK(two.smith->peers()[0].link.receiving().owes_ack());
  REQUIRE(two.deliver());
  CHECK_FALSE(two.smith->peers()[0].link.receiving().owes_ack());
}

TEST_CASE("the last batch is sent again when no ACK comes") {
  TwoReplicas two;
  REQUIRE(two.deliver());
  two.arrives = [](const Message& message) { return !std::holds_alternative<Batch>(message); };
  REQUIRE(accept(*two.hill, "kiwi", "5", two.now).result == Accepted::Stored);
  REQUIRE(two.deliver());
  two.arrives = [](const Message&) { return true; };
  REQUIRE(two.advance(1s));
  CHECK(two.equal());
  CHECK(two.hill->counters().timeouts >= 1);
}

TEST_CASE("a link recovers after any one type of message was lost for a while") {
  for (std::size_t kind = 0; kind < 10; ++kind) {
    INFO("kind " << kind);
    TwoReplicas two;
    report_many(*two.hill, 20, two.now);
    two.arrives = [&](const Message& message) { return message.index() != kind; };
    REQUIRE(two.advance(5s));
    REQUIRE(accept(*two.smith, "kiwi", "5", two.now).result == Accepted::Stored);
    REQUIRE(two.advance(2s));
    two.arrives = [](const Message&) { return true; };
    REQUIRE(two.advance(4s));
    CHECK(two.equal());
    CHECK(two.hill->peer_status(0, two.now).lag == 0);
    CHECK(two.hill->peer_status(0, two.now).state == Connected::Up);
    CHECK(two.smith->peer_status(0, two.now).state == Connected::Up);
  }
}

TEST_CASE("a link that works one way only is half up, and one event reports it") {
  TwoReplicas two;
  REQUIRE(two.advance(1s));
  const Events up = two.hill->take_events();
  REQUIRE(up.links.size() == 1);
  CHECK(up.links[0].state == Connected::Up);
  CHECK(up.links[0].peer == "Smith");
  Replica* const hill = two.hill.get();
  for (int i = 0; i < 100; ++i) {  // Smith receives nothing any more, and goes on sending
    two.now.steady += 50ms;
    two.now.wall += 50ms;
    two.smith->tick(two.now);
    hill->tick(two.now);
    while (const auto message = two.smith->take(0, two.now)) receive(*hill, "from Smith", *message, two.now);
    while (hill->take(0, two.now)) continue;
  }
  CHECK(hill->peer_status(0, two.now).state == Connected::Half);
  CHECK(two.smith->peer_status(0, two.now).state == Connected::Down);
  const Events half = hill->take_events();
  REQUIRE(half.links.size() == 1);
  CHECK(half.links[0].state == Connected::Half);
}

TEST_CASE("a BYE takes the link down at once") {
  TwoReplicas two;
  REQUIRE(two.advance(1s));
  (void)two.smith->take_events();
  receive(*two.smith, "from Hill", two.hill->farewell(), two.now);
  two.smith->tick(two.now);
  CHECK(two.smith->peer_status(0, two.now).state == Connected::Down);
  CHECK(two.smith->take_events().links.size() == 1);
}

TEST_CASE("two links at the same number share one encoded body") {
  const auto hill = make_replica("Hill", {"Smith", "Jaquez"}, 1);
  const auto smith = make_replica("Smith", {"Hill"}, 2);
  const auto jaquez = make_replica("Jaquez", {"Hill"}, 3);
  const Now now = kStart;
  for (int round = 0; round < 10; ++round) {
    for (const auto& [peer, at] : {std::pair{smith.get(), PeerIndex{0}}, {jaquez.get(), PeerIndex{1}}}) {
      while (const auto message = hill->take(at, now)) receive(*peer, "from Hill", *message, now);
      while (const auto message = peer->take(0, now)) receive(*hill, at == 0 ? "s" : "j", *message, now);
    }
  }
  report_many(*hill, 20, now);
  const auto to_smith = hill->take(0, now);
  const auto to_jaquez = hill->take(1, now);
  REQUIRE(to_smith);
  REQUIRE(to_jaquez);
  REQUIRE(to_smith->body);
  CHECK(to_smith->body == to_jaquez->body);
  CHECK(hill->counters().bodies_shared == 1);
  CHECK(hill->counters().updates_sent == 40);
  receive(*smith, "from Hill", *to_smith, now);
  receive(*jaquez, "from Hill", *to_jaquez, now);
  CHECK(smith->store().digest() == hill->store().digest());
  CHECK(jaquez->store().digest() == hill->store().digest());
}

TEST_CASE("a store that needs more batches than may be in flight arrives completely, with short and long texts") {
  for (const std::size_t padding : {std::size_t{0}, std::size_t{240}}) {
    TwoReplicas two;
    const std::string pad(padding, 'x');
    for (int i = 0; i < 10'000; ++i) {
      REQUIRE(accept(*two.hill, std::to_string(i) + pad, "5", two.now).result == Accepted::Stored);
    }
    REQUIRE(two.deliver());
    CHECK(two.equal());
    CHECK(two.hill->peer_status(0, two.now).lag == 0);
  }
}

TEST_CASE("a lagging link sends the newest records early, also if long texts fill the batch") {
  TwoReplicas two;
  const std::string pad(240, 'x');
  REQUIRE(two.deliver());
  for (int i = 0; i < 10'000; ++i) {
    REQUIRE(accept(*two.hill, std::to_string(i) + pad, "5", two.now).result == Accepted::Stored);
  }
  const auto first = two.hill->take(0, two.now);
  REQUIRE(first);
  CHECK(first->body->size() <= kMaxBatchBytes);
  receive(*two.smith, "from Hill", *first, two.now);
  CHECK(two.smith->find("0" + pad));
  CHECK(two.smith->find("9999" + pad));
}

TEST_CASE("a link recovers from a batch with numbers above the peer's tail") {
  TwoReplicas two;
  REQUIRE(two.deliver());
  two.smith->receive({"from Hill", encode(Batch{{1, 2}, 1, 0, UINT64_MAX, 0, 0}), "\x92\x90\x90"}, two.now);
  REQUIRE(accept(*two.hill, "kiwi", "5", two.now).result == Accepted::Stored);
  REQUIRE(two.advance(3s));
  CHECK(two.equal());
  CHECK(two.hill->peer_status(0, two.now).lag == 0);
  const std::uint64_t timeouts = two.hill->counters().timeouts;
  REQUIRE(two.advance(3s));
  CHECK(two.hill->counters().timeouts == timeouts);
}
