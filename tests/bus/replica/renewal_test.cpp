// Feed renewal: what a node does if its journal is not the newest one of its feed, because a backup was restored, a
// state directory was copied, or a machine was rolled back. Single links are in tests/bus/link/feed_position_test.cpp.
#include <string>
#include <utility>

#include "bus/journal/recovery.hpp"
#include "tests/bus/two_replicas.hpp"
#include "tests/catch.hpp"

using namespace herd::bus;
using namespace herd::protocol;

namespace {

constexpr std::uint64_t kHillsFeed = 71;
constexpr std::uint64_t kSmithsFeed = 72;

// Hill and Smith with a journal each. A test restarts them and restores backups.
struct TwoJournals : TwoReplicas {
  std::string hills;
  std::string smiths;
  Durability durability;
  LinkLimits limits;

  explicit TwoJournals(Durability demanded = {}, LinkLimits links = {}) : durability(demanded), limits(links) {
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
  // Writes all changes to both journals.
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
  // Hill accepts a report, Smith receives it, and both write it to their journals.
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
    auto recovered = recover(journal, feed, 1);
    REQUIRE(recovered);
    Replica::Options options;
    options.self = {"herd", std::move(name), incarnation, 0};
    options.peers = {std::move(peer)};
    options.limits = limits;
    options.limits.prompt_durable = durability.replicas > 0;
    options.durability = durability;
    options.random_id = drawn_ids(incarnation);
    return std::make_unique<Replica>(std::move(options), std::move(*recovered));
  }
};

}  // namespace

TEST_CASE("a node with a restored backup renews its feed and gets back all that it lacks, also what it sent itself") {
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

TEST_CASE("updates accepted after a backup was restored are not taken for repeats of the lost ones") {
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

TEST_CASE("a cursor in the lost changes proves it even if the node has given out higher numbers since") {
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

TEST_CASE("a backup of the present run that contains all changes sent to a peer needs no new feed") {
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

// A cursor may pass a superseded change once its successor is in the journal. A backup from before that brings the
// superseded record back, under a number that the peer's cursor has passed.
TEST_CASE("a record that a backup of the present run brings back reaches a peer with a cursor beyond it") {
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

TEST_CASE("the lag after a restart is the number of records that the peer lacks, though change numbers have a gap") {
  TwoJournals herd;
  for (const char* client : {"fig", "plum", "pear"}) herd.accept_everywhere(client, "5");
  herd.arrives = [](const auto& message) { return !std::holds_alternative<Batch>(message); };
  (void)accept(*herd.hill, "kiwi", "6", herd.now);
  herd.write();
  herd.start_hill(11, herd.hills);
  REQUIRE(herd.advance(3s));
  REQUIRE(herd.hill->peer_status(0, herd.now).state == Connected::Up);
  CHECK(herd.hill->peer_status(0, herd.now).lag == 1);
  (void)accept(*herd.hill, "fig", "6", herd.now);
  CHECK(herd.hill->peer_status(0, herd.now).lag == 2);
  (void)accept(*herd.hill, "fig", "7", herd.now);
  CHECK(herd.hill->peer_status(0, herd.now).lag == 2);
  herd.arrives = [](const auto&) { return true; };
  REQUIRE(herd.advance(11s));
  CHECK(herd.hill->peer_status(0, herd.now).lag == 0);
}

TEST_CASE("a compacted journal lists the runs, so the node does not renew its feed") {
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

TEST_CASE("two nodes with backups restored at the same time become equal") {
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

TEST_CASE("a backup that is restored several times makes a new feed each time") {
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

TEST_CASE("a crash before the new feed is written leaves the former feed, which is sent from the beginning") {
  TwoJournals herd;
  const std::string backup = herd.hills;
  herd.start_hill(11, herd.hills);
  herd.accept_everywhere("kiwi", "6");
  herd.start_hill(21, backup);
  (void)accept(*herd.hill, "fig", "7", herd.now);
  REQUIRE(herd.advance(1s));
  REQUIRE(herd.renewals() == 1);
  herd.start_hill(31, herd.hills);  // without a flush since
  REQUIRE(herd.hill->self().feed_id == kHillsFeed);
  (void)accept(*herd.hill, "pear", "8", herd.now);
  REQUIRE(herd.advance(1s));
  CHECK(herd.smith->find("pear"));
  CHECK(herd.equal());
}

TEST_CASE("the new feed survives a restart once a flush has written it") {
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

TEST_CASE("with replicas, no reply leaves because of changes that peers made durable in the lost time") {
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

// Hill's memory is set back to a former state: the same run gives out its numbers twice.
TEST_CASE("a node with its memory set back begins a new run, and its updates get new identities") {
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

// Smith sends an impossible cursor again and again.
TEST_CASE("a faulty peer makes a node renew its feed at once, then after 10 s, then after 20 s") {
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
      const auto message_sent = decode(message->header).value();
      if (const auto* ours = std::get_if<Hello>(&message_sent)) attempt = ours->attempt;
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
