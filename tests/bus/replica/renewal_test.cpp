// Whose feed it is: what a node does whose journal is not the newest of its feed, because a backup was put back, a
// state directory was copied, or a machine was rolled back.
#include <string>
#include <utility>

#include "bus/journal/recovery.hpp"
#include "tests/bus/one_link.hpp"
#include "tests/bus/two_replicas.hpp"
#include "tests/catch.hpp"

using namespace herd::bus;
using namespace herd::protocol;

namespace {

constexpr std::uint64_t kHillsFeed = 71;
constexpr std::uint64_t kSmithsFeed = 72;

// Hill and Smith with a journal each. A test restarts them, and puts backups back.
struct TwoJournals : TwoReplicas {
  std::string hills;
  std::string smiths;
  Durability durability;
  LinkLimits limits;

  explicit TwoJournals(Durability waits_for = {}, LinkLimits links = {}) : durability(waits_for), limits(links) {
    start_hill(1, "");
    start_smith(2, "");
    REQUIRE(advance(1s));
  }
  void start_hill(std::uint64_t incarnation, const std::string& journal) {
    hill = started("Hill", "Smith", incarnation, kHillsFeed, hills = journal);
    hills += hill->planner().begin_run();
  }
  void start_smith(std::uint64_t incarnation, const std::string& journal) {
    smith = started("Smith", "Hill", incarnation, kSmithsFeed, smiths = journal);
    smiths += smith->planner().begin_run();
  }
  // All that is known is in the journals.
  void write() {
    write(*hill, hills);
    write(*smith, smiths);
    REQUIRE(deliver());
  }
  static void write(Replica& replica, std::string& journal) {
    while (replica.wants_flush()) {
      journal += replica.begin_flush();
      replica.flush_written();
    }
  }
  // Hill accepts a report, Smith hears of it, and both keep it.
  void accept_everywhere(std::string_view client, std::string_view time) {
    (void)accept(*hill, client, time, now);
    REQUIRE(advance(1s));
    write();
  }
  [[nodiscard]] std::uint64_t renewals() const {
    return hill->counters().feeds_renewed + smith->counters().feeds_renewed;
  }

 private:
  std::unique_ptr<Replica> started(std::string name, std::string peer, std::uint64_t incarnation, std::uint64_t feed,
                                   const std::string& journal) const {
    auto memory = recover(journal, feed, 1);
    REQUIRE(memory);
    Replica::Options options;
    options.self = {"herd", std::move(name), incarnation, 0};
    options.peers = {std::move(peer)};
    options.limits = limits;
    options.limits.prompt_durable = durability.replicas > 0;
    options.durability = durability;
    options.random_id = drawn_ids(incarnation);
    return std::make_unique<Replica>(std::move(options), std::move(*memory));
  }
};

}  // namespace

TEST_CASE("a node whose backup is put back renews its feed, and what it lacks comes back, also what it sent itself") {
  TwoJournals herd;
  herd.accept_everywhere("plum", "5");
  const std::string backup = herd.hills;
  herd.start_hill(11, herd.hills);
  herd.accept_everywhere("kiwi", "6");
  (void)accept(*herd.smith, "pear", "7", herd.now);
  REQUIRE(herd.advance(1s));
  herd.start_hill(21, backup);
  REQUIRE_FALSE(herd.hill->find("kiwi"));
  REQUIRE(herd.advance(1s));
  CHECK(herd.hill->counters().feeds_renewed == 1);
  CHECK(herd.smith->counters().feeds_renewed == 0);
  CHECK(herd.hill->self().feed_id != kHillsFeed);
  CHECK(herd.hill->self().incarnation != 21);
  CHECK(herd.hill->find("kiwi"));
  CHECK(herd.hill->find("pear"));
  CHECK(herd.equal());
  const Events events = herd.hill->take_events();
  REQUIRE(events.renewed.size() == 1);
  CHECK(events.renewed[0].peer == "Smith");
  CHECK(events.renewed[0].feed_id == herd.hill->self().feed_id);
}

TEST_CASE("what a node accepts after its backup was put back is no repeat of what it accepted in the lost time") {
  TwoJournals herd;
  herd.accept_everywhere("plum", "5");
  const std::string backup = herd.hills;
  herd.start_hill(11, herd.hills);
  const ChangeNumber lost = herd.hill->store().feed().tail() + 1;
  herd.accept_everywhere("kiwi", "6");
  herd.start_hill(21, backup);
  REQUIRE(accept(*herd.hill, "fig", "7", herd.now).number == lost);
  REQUIRE(herd.advance(1s));
  CHECK(herd.smith->find("fig"));
}

TEST_CASE("a cursor of the lost time proves it also where the node has given out higher numbers since") {
  TwoJournals herd;
  const std::string backup = herd.hills;
  herd.start_hill(11, herd.hills);
  herd.accept_everywhere("kiwi", "6");
  herd.start_hill(21, backup);
  for (const char* client : {"fig", "plum", "pear"}) (void)accept(*herd.hill, client, "7", herd.now);
  REQUIRE(herd.advance(1s));
  CHECK(herd.renewals() == 1);
  for (const char* client : {"fig", "plum", "pear"}) CHECK(herd.smith->find(client));
}

TEST_CASE("a backup of the present run that holds all that a peer was sent needs no new feed") {
  TwoJournals herd;
  herd.accept_everywhere("plum", "5");
  const std::string backup = herd.hills;
  herd.accept_everywhere("kiwi", "6");
  herd.start_hill(21, backup);
  REQUIRE(herd.advance(1s));
  CHECK(herd.renewals() == 0);
  CHECK(herd.hill->find("kiwi"));
  (void)accept(*herd.hill, "fig", "7", herd.now);
  REQUIRE(herd.advance(1s));
  CHECK(herd.equal());
}

// A link may pass a change that was superseded once what superseded it is in the journal. A backup from before that
// brings the superseded record back, at a number that the peer's cursor has passed.
TEST_CASE("a record that a backup of the present run brings back reaches a peer whose cursor has passed it") {
  TwoJournals herd({}, {1, 1});
  herd.arrives = [](const auto&) { return false; };
  (void)accept(*herd.hill, "kiwi", "5", herd.now);
  (void)accept(*herd.hill, "fig", "5", herd.now);
  herd.write();
  const std::string backup = herd.hills;
  (void)accept(*herd.hill, "kiwi", "6", herd.now);
  herd.write();
  herd.arrives = [&](const auto& message) {
    return !std::holds_alternative<Batch>(message) || !herd.smith->find("fig");
  };
  REQUIRE(herd.advance(3s));
  REQUIRE(herd.smith->find("fig"));
  REQUIRE_FALSE(herd.smith->find("kiwi"));
  herd.arrives = [](const auto&) { return true; };
  herd.start_hill(21, backup);
  REQUIRE(herd.advance(3s));
  CHECK(herd.renewals() == 1);
  CHECK(herd.smith->find("kiwi"));
  CHECK(herd.equal());
}

TEST_CASE("restarts alone never renew a feed") {
  TwoJournals herd;
  for (std::uint64_t run = 1; run <= 5; ++run) {
    herd.accept_everywhere("kiwi", std::to_string(run));
    herd.start_hill(10 + run, herd.hills);
    if (run % 2 == 0) herd.start_smith(20 + run, herd.smiths);
    REQUIRE(herd.advance(1s));
  }
  CHECK(herd.renewals() == 0);
  CHECK(herd.equal());
}

TEST_CASE("a node that knows the runs by a copy of its journal does not renew its feed") {
  TwoJournals herd;
  herd.accept_everywhere("kiwi", "6");
  herd.start_hill(11, herd.hills);
  std::string copy = herd.hill->planner().begin_compaction();
  copy += herd.hill->finish_compaction();
  herd.hill->flush_written();
  herd.start_hill(21, copy);
  REQUIRE(herd.advance(1s));
  CHECK(herd.renewals() == 0);
}

TEST_CASE("two nodes whose backups are put back at once come together") {
  TwoJournals herd;
  herd.accept_everywhere("plum", "5");
  const std::string hills = herd.hills;
  const std::string smiths = herd.smiths;
  herd.start_hill(11, herd.hills);
  herd.start_smith(12, herd.smiths);
  herd.accept_everywhere("kiwi", "6");
  herd.start_hill(21, hills);
  herd.start_smith(22, smiths);
  (void)accept(*herd.hill, "fig", "7", herd.now);
  (void)accept(*herd.smith, "pear", "7", herd.now);
  REQUIRE(herd.advance(1s));
  CHECK(herd.equal());
  CHECK(herd.smith->store().size() == 3);
}

TEST_CASE("a backup that is put back twice makes two feeds of the same beginning") {
  TwoJournals herd;
  herd.accept_everywhere("plum", "5");
  const std::string backup = herd.hills;
  for (std::uint64_t run = 11; run <= 13; ++run) {
    herd.start_hill(run, backup);
    (void)accept(*herd.hill, "fig" + std::to_string(run), "7", herd.now);
    REQUIRE(herd.advance(1s));
    CHECK(herd.equal());
  }
  CHECK(herd.smith->store().size() == 4);
}

TEST_CASE("a crash before the new feed is written leaves the former one, which is read from the beginning") {
  TwoJournals herd;
  const std::string backup = herd.hills;
  herd.start_hill(11, herd.hills);
  herd.accept_everywhere("kiwi", "6");
  herd.start_hill(21, backup);
  (void)accept(*herd.hill, "fig", "7", herd.now);
  REQUIRE(herd.advance(1s));
  REQUIRE(herd.renewals() == 1);
  herd.start_hill(31, herd.hills);  // without a pass since
  REQUIRE(herd.hill->self().feed_id == kHillsFeed);
  (void)accept(*herd.hill, "pear", "8", herd.now);
  REQUIRE(herd.advance(1s));
  CHECK(herd.smith->find("pear"));
  CHECK(herd.equal());
}

TEST_CASE("the new feed outlives a restart once a pass has written it") {
  TwoJournals herd;
  const std::string backup = herd.hills;
  herd.start_hill(11, herd.hills);
  herd.accept_everywhere("kiwi", "6");
  herd.start_hill(21, backup);
  REQUIRE(herd.advance(1s));
  const std::uint64_t feed = herd.hill->self().feed_id;
  herd.write();
  herd.start_hill(31, herd.hills);
  CHECK(herd.hill->self().feed_id == feed);
  REQUIRE(herd.advance(1s));
  CHECK(herd.renewals() == 0);
}

TEST_CASE("with replicas, what peers kept of the lost time lets no reply leave") {
  TwoJournals herd({.journal = true, .replicas = 1});
  const std::string backup = herd.hills;
  herd.start_hill(11, herd.hills);
  for (const char* client : {"kiwi", "plum", "pear"}) herd.accept_everywhere(client, "6");
  herd.start_hill(21, backup);
  const auto outcome = accept(*herd.hill, "fig", "7", herd.now);
  REQUIRE(herd.deliver());
  TwoJournals::write(*herd.hill, herd.hills);
  REQUIRE(herd.deliver());
  CHECK(herd.hill->acknowledged() < outcome.number);
  herd.hill->await(outcome.number);
  for (int i = 0; i < 3; ++i) {
    REQUIRE(herd.advance(1s));
    herd.write();
  }
  CHECK(herd.hill->acknowledged() >= outcome.number);
  CHECK(recover(herd.smiths, 1, 1)->store.find("fig"));
}

// Hill's memory is that of a former moment: the same run has given out its numbers twice.
TEST_CASE("a node whose memory was set back takes a new run, and its updates new identities") {
  TwoReplicas herd;
  (void)accept(*herd.hill, "kiwi", "5", herd.now);
  (void)accept(*herd.hill, "plum", "5", herd.now);
  REQUIRE(herd.advance(1s));
  herd.hill = make_replica("Hill", {"Smith"}, 1);
  REQUIRE(accept(*herd.hill, "fig", "6", herd.now).number == 1);
  REQUIRE(herd.advance(1s));
  CHECK(herd.hill->counters().feeds_renewed == 1);
  CHECK(herd.smith->find("fig"));
  CHECK(herd.hill->find("kiwi"));
  CHECK(herd.equal());
}

TEST_CASE("a renewed feed is not sent in bodies that name the former run") {
  const auto hill = make_replica("Hill", {"Jaquez", "Smith"}, 1);
  const Now now = kStart;
  (void)accept(*hill, "kiwi", "5", now);
  const auto bodies = [&](PeerIndex peer) {
    std::string runs;
    while (const auto message = hill->take(peer, now)) {
      Body body;
      if (!message->body || !decode_body(*message->body, body)) continue;
      for (const Body::Origin& origin : body.origins) runs += std::to_string(origin.run) + " ";
    }
    return runs;
  };
  const auto open = [&](const char* node, PeerIndex peer, const Self& self, std::uint64_t attempt,
                        ChangeNumber cursor) {
    Hello hello;
    hello.herd = "herd";
    hello.node = node;
    hello.incarnation = std::uint64_t{200} + peer;
    hello.feed_id = std::uint64_t{300} + peer;
    receive(*hill, node, hello, now);
    receive(*hill, node, Welcome{{std::uint64_t{200} + peer, self.incarnation}, self.feed_id, cursor, attempt, 1, 0},
            now);
  };
  open("Jaquez", 0, hill->self(), 2, 0);
  CHECK(bodies(0) == "1 ");
  open("Smith", 1, hill->self(), 2, 9);
  REQUIRE(hill->counters().feeds_renewed == 1);
  open("Smith", 1, hill->self(), 3, 0);
  CHECK(bodies(1) == std::to_string(hill->self().incarnation) + " ");
}

// Smith claims the impossible: the one renewal that this leads to now, and when it may lead to the next.
TEST_CASE("a peer with a fault makes a node renew its feed at once, then after 10 s, then after 20 s") {
  const auto hill = make_replica("Hill", {"Smith"}, 1);
  Now now = kStart;
  const auto claim = [&] {
    std::uint64_t attempt = 0;
    Hello hello;
    hello.herd = "herd";
    hello.node = "Smith";
    hello.incarnation = 200;
    hello.feed_id = 300;
    receive(*hill, "smith's", hello, now);
    now.steady += kHelloIntervalMax;
    while (const auto message = hill->take(0, now)) {
      const auto said = decode(message->header).value();
      if (const auto* ours = std::get_if<Hello>(&said)) attempt = ours->attempt;
    }
    receive(*hill, "smith's", Welcome{{200, hill->self().incarnation}, hill->self().feed_id, 5, attempt, 99, 0}, now);
    return hill->counters().feeds_renewed;
  };
  CHECK(claim() == 1);
  for (const auto& [spacing, renewals] : {std::pair<Nanoseconds, std::uint64_t>{10s, 2}, {20s, 3}, {40s, 4}}) {
    now.steady += spacing - kHelloIntervalMax - 1ns;
    CHECK(claim() == renewals - 1);
    now.steady += 1ns - kHelloIntervalMax;
    CHECK(claim() == renewals);
  }
  CHECK_FALSE(hill->take_events().refused.empty());
}

TEST_CASE("an ACK above the tail is foreign, and one at the tail is not") {
  OneLink one;
  one.fill(10);
  one.open();
  REQUIRE(one.send());
  CHECK(one.ack(11) == CursorClaim::Foreign);
  CHECK(one.link.cursors().merged == 0);
  CHECK(one.ack(10) == CursorClaim::Possible);
  CHECK(one.link.cursors().merged == 10);
}

TEST_CASE("an impossible cursor is not used: nothing but HELLO is sent after it") {
  OneLink one;
  one.fill(10);
  one.hello();
  const std::uint64_t attempt = one.hello_attempt();
  CHECK(one.welcome(11, attempt) == CursorClaim::Foreign);
  CHECK(one.welcome(5, attempt, kPeerIncarnation, kOurIncarnation + 1) == CursorClaim::Foreign);
  CHECK_FALSE(one.send());
  CHECK(one.link.cursors().merged == 0);
  CHECK(one.welcome(10, attempt) == CursorClaim::Possible);
}

TEST_CASE("a link of a renewed feed has nothing acknowledged, nothing kept and nothing proven") {
  OneLink one;
  one.fill(3);
  one.open();
  REQUIRE(one.send());
  REQUIRE(one.ack(3, 1, 3) == CursorClaim::Possible);
  REQUIRE(one.link.proven() == 3);
  one.link.begin_feed(one.now);
  CHECK(one.link.proven() == 0);
  CHECK(one.link.cursors().merged == 0);
  CHECK(one.link.cursors().durable == 0);
  CHECK_FALSE(one.send());
  CHECK(one_of<Hello>(one.messages()));
}

TEST_CASE("a batch moves a cursor of the sender's run, or of the run that its WELCOME named, and no other") {
  OneLink one;
  one.open();
  REQUIRE(one.batch(0, 40));
  one.hello(kPeerIncarnation + 1);  // the lost run, late
  const Incarnations lost{kPeerIncarnation + 1, kOurIncarnation};
  one.link.merged(Batch{lost, 1, 40, 60, kPeerIncarnation, 55});
  one.hello(kPeerIncarnation + 2);
  (void)one.messages();
  const Incarnations present{kPeerIncarnation + 2, kOurIncarnation};
  one.link.merged(Batch{present, 1, 40, 50, kPeerIncarnation, 45});  // by a WELCOME from before
  auto said = one.messages();
  REQUIRE(one_of<Welcome>(said));
  CHECK(one_of<Welcome>(said)->cursor == 60);
  CHECK(one_of<Welcome>(said)->run == kPeerIncarnation + 1);
  CHECK(one_of<Welcome>(said)->written == 55);
  one.link.merged(Batch{present, 2, 60, 70, kPeerIncarnation + 1, 50});
  one.link.merged(Batch{present, 2, 70, 80, kPeerIncarnation + 1, 49});
  one.hello(kPeerIncarnation + 2);
  said = one.messages();
  CHECK(one_of<Welcome>(said)->cursor == 80);
  CHECK(one_of<Welcome>(said)->run == kPeerIncarnation + 2);
  CHECK(one_of<Welcome>(said)->written == 50);
}

TEST_CASE("a batch that ends below the cursor leaves the run that the cursor names") {
  OneLink one;
  one.open();
  REQUIRE(one.batch(0, 40));
  one.hello(kPeerIncarnation + 1);
  one.link.merged(Batch{{kPeerIncarnation + 1, kOurIncarnation}, 1, 20, 30, kPeerIncarnation, 0});
  const auto said = one.messages();
  REQUIRE(one_of<Welcome>(said));
  CHECK(one_of<Welcome>(said)->run == kPeerIncarnation);
}

TEST_CASE("a batch names the run of the WELCOME that it answers, and how far the journal is written") {
  OneLink one;
  one.written = 1;
  one.fill(3);
  one.runs.begin({kOurIncarnation + 1, 3});
  one.open(2);  // of the run kOurIncarnation
  const auto sent = one.send();
  REQUIRE(sent);
  CHECK(sent->batch.run == kOurIncarnation);
  CHECK(sent->batch.written == 1);
}

TEST_CASE("a journal's cursor without a run is read as 0") {
  for (const std::uint64_t run : {std::uint64_t{0}, kPeerIncarnation}) {
    OneLink one;
    one.link.restore({"Smith", kPeerFeed, {5, run}});
    one.hello();
    const auto said = one.messages();
    REQUIRE(one_of<Welcome>(said));
    CHECK(one_of<Welcome>(said)->cursor == (run == 0 ? 0 : 5));
    CHECK(one_of<Welcome>(said)->run == run);
  }
}

TEST_CASE("what a pass keeps counts only for the cursor of the same run") {
  OneLink one({.prompt_durable = true});
  one.open();
  REQUIRE(one.batch(0, 5));
  for (const std::uint64_t run : {kPeerIncarnation + 1, kPeerIncarnation}) {
    one.link.cursor_durable({"Smith", kPeerFeed, {5, run}});
    const auto said = one.messages();
    REQUIRE(one_of<Ack>(said));
    CHECK(one_of<Ack>(said)->durable == (run == kPeerIncarnation ? 5 : 0));
    REQUIRE(one.batch(5, 5));
  }
}
