#include "bus/replica/recent_bodies.hpp"

#include <map>
#include <string>
#include <vector>

#include "bus/replica/replica.hpp"
#include "tests/bus/two_replicas.hpp"
#include "tests/catch.hpp"

using namespace herd::bus;
using herd::protocol::Batch;
using herd::protocol::Now;

namespace {

RecentBodies::Recent recent(ChangeNumber from, ChangeNumber to, const std::string& body) {
  return {from, to, 1, static_cast<std::size_t>(to - from), std::make_shared<const std::string>(body)};
}

bool any(const RecentBodies::Recent& /*recent*/) {
  return true;
}

auto at_least(std::size_t updates) {
  return [updates](const RecentBodies::Recent& recent) { return recent.updates >= updates; };
}

// Four nodes with links in a square: Hill sends to Smith and Jaquez, and both send to Singleton. Messages are delivered
// when the test calls deliver().
class Square {
 public:
  Square() {
    add("Hill", {"Smith", "Jaquez"}, 1);
    add("Smith", {"Hill", "Singleton"}, 2);
    add("Jaquez", {"Hill", "Singleton"}, 3);
    add("Singleton", {"Smith", "Jaquez"}, 4);
    deliver();
  }

  Replica& at(const std::string& name) { return *nodes_.at(name).replica; }

  // Delivers all messages that `from` has for `to` now. Returns the bodies of the batches.
  std::vector<std::string> deliver(const std::string& from, const std::string& to) {
    std::vector<std::string> bodies;
    while (const auto message = at(from).take(peer_of(from, to), now)) {
      if (message->body) bodies.push_back(*message->body);
      receive(at(to), from + " to " + to, *message, now);
    }
    return bodies;
  }

  // Delivers all messages between all nodes, for 5 s.
  void deliver() {
    for (int round = 0; round < 20; ++round) {
      now.steady += std::chrono::milliseconds(250);
      for (auto& [name, node] : nodes_) node.replica->tick(now);
      for (const auto& [name, node] : nodes_) {
        for (const std::string& peer : node.peers) (void)deliver(name, peer);
      }
    }
  }

  void report_to_hill(int first, int count) {
    for (int i = first; i < first + count; ++i) {
      REQUIRE(accept(at("Hill"), "client" + std::to_string(i), "5", now).result == Accepted::Stored);
    }
  }

  Now now = kStart;

 private:
  struct Node {
    std::vector<std::string> peers;
    std::unique_ptr<Replica> replica;
  };

  void add(const std::string& name, const std::vector<std::string>& peers, std::uint64_t incarnation) {
    nodes_[name] = {peers, make_replica(name, peers, incarnation)};
  }

  PeerIndex peer_of(const std::string& from, const std::string& to) {
    const auto& peers = nodes_.at(from).peers;
    return static_cast<PeerIndex>(std::find(peers.begin(), peers.end(), to) - peers.begin());
  }

  std::map<std::string, Node> nodes_;
};

}  // namespace

TEST_CASE("a recent body is found by its bytes and by where it begins, the newest first") {
  RecentBodies bodies;
  CHECK(bodies.find("a") == nullptr);
  CHECK(bodies.after(0, any) == nullptr);
  bodies.remember(recent(0, 10, "a"));
  bodies.remember(recent(10, 90, "b"));
  bodies.remember(recent(10, 12, "c"));
  CHECK(bodies.find("a")->to == 10);
  CHECK(bodies.find("ab") == nullptr);
  CHECK(bodies.after(10, any)->to == 12);
  CHECK(bodies.after(5, any) == nullptr);
}

TEST_CASE("next_begin() finds the next body that fits") {
  RecentBodies bodies;
  bodies.remember(recent(100, 110, "a"));
  bodies.remember(recent(50, 60, "b"));
  bodies.remember(recent(20, 22, "c"));
  CHECK(bodies.next_begin(0, at_least(5)) == 50);
  CHECK(bodies.next_begin(0, at_least(1)) == 20);
  CHECK(bodies.next_begin(50, at_least(5)) == 100);
  CHECK(bodies.next_begin(100, at_least(5)) == std::nullopt);
}

TEST_CASE("a new body replaces the oldest one") {
  RecentBodies bodies;
  for (ChangeNumber i = 0; i <= RecentBodies::kBodies; ++i) bodies.remember(recent(i, i + 1, std::to_string(i)));
  CHECK(bodies.after(0, any) == nullptr);
  CHECK(bodies.after(1, any) != nullptr);
}

TEST_CASE("a body with only new updates is sent on unchanged, and is recognised when it comes by another link") {
  Square square;
  square.report_to_hill(0, 100);
  const auto to_smith = square.deliver("Hill", "Smith");
  REQUIRE(to_smith.size() == 1);
  CHECK(square.deliver("Hill", "Jaquez") == to_smith);
  CHECK(square.deliver("Smith", "Singleton") == to_smith);
  CHECK(square.at("Smith").counters().bodies_shared == 1);
  CHECK(square.deliver("Jaquez", "Singleton") == to_smith);
  const ReplicaCounters& counters = square.at("Singleton").counters();
  CHECK(counters.bodies_repeated == 1);
  CHECK(counters.updates_merged == 100);
  CHECK(counters.updates_repeated == 100);
  square.deliver();
  for (const char* name : {"Smith", "Jaquez", "Singleton"}) {
    CHECK(square.at(name).store().digest() == square.at("Hill").store().digest());
  }
  CHECK(square.at("Jaquez").peer_status(1, square.now).lag == 0);  // the repeat was acknowledged
}

TEST_CASE("a body is not sent back to the peer that sent it") {
  Square square;
  square.report_to_hill(0, 100);
  REQUIRE(square.deliver("Hill", "Smith").size() == 1);
  CHECK(square.deliver("Smith", "Hill").empty());
}

TEST_CASE("a body that is encoded here is not sent to a peer that sent some of its updates") {
  Square square;
  square.report_to_hill(0, 100);
  REQUIRE(square.deliver("Hill", "Smith").size() == 1);
  for (int i = 0; i < 100; ++i) {
    REQUIRE(accept(square.at("Smith"), "own" + std::to_string(i), "5", square.now).result == Accepted::Stored);
  }
  const auto onward = square.deliver("Smith", "Singleton");
  REQUIRE(onward.size() == 2);  // the received body, and the rest
  Square mixed;
  mixed.report_to_hill(0, 40);  // too few to be worth a message
  REQUIRE(mixed.deliver("Hill", "Smith").size() == 1);
  for (int i = 0; i < 300; ++i) {
    REQUIRE(accept(mixed.at("Smith"), "own" + std::to_string(i), "5", mixed.now).result == Accepted::Stored);
  }
  const auto all = mixed.deliver("Smith", "Singleton");
  REQUIRE(all.size() == 1);
  const auto back = mixed.deliver("Smith", "Hill");
  REQUIRE(back.size() == 1);
  CHECK(back[0].size() < all[0].size());
  CHECK(mixed.at("Hill").counters().updates_repeated == 0);
}

TEST_CASE("with a large backlog short bodies are not reused, but larger ones encoded") {
  Square square;
  square.report_to_hill(0, 64);
  REQUIRE(square.deliver("Hill", "Smith").size() == 1);  // Jaquez lags
  square.report_to_hill(64, 600);
  const auto to_jaquez = square.deliver("Hill", "Jaquez");
  REQUIRE(to_jaquez.size() == 2);  // 512, and the rest
  CHECK(square.at("Hill").counters().bodies_shared == 0);
}

TEST_CASE("a body with an update that was not new is encoded again without it") {
  Square square;
  REQUIRE(accept(square.at("Smith"), "client7", "6", square.now).result == Accepted::Stored);
  square.report_to_hill(0, 100);
  const auto to_smith = square.deliver("Hill", "Smith");
  REQUIRE(to_smith.size() == 1);
  const auto onward = square.deliver("Smith", "Singleton");
  REQUIRE(onward.size() == 1);
  CHECK(onward != to_smith);
  CHECK(square.at("Smith").counters().bodies_shared == 0);
  CHECK(square.at("Singleton").counters().updates_merged == 100);
}

TEST_CASE("links at different numbers get in step where a recent body begins") {
  Square square;
  square.report_to_hill(0, 100);
  REQUIRE(square.deliver("Hill", "Smith").size() == 1);  // Jaquez lags
  square.report_to_hill(100, 70);
  const auto second = square.deliver("Hill", "Smith");
  REQUIRE(second.size() == 1);
  square.report_to_hill(170, 1);
  const auto to_jaquez = square.deliver("Hill", "Jaquez");
  REQUIRE(to_jaquez.size() == 3);
  CHECK(to_jaquez[1] == second[0]);
  CHECK(square.at("Hill").counters().bodies_shared == 2);
}

TEST_CASE("a body is sent unchanged after its clients have moved on, and all stores become equal") {
  Square square;
  square.report_to_hill(0, 100);
  const auto first = square.deliver("Hill", "Smith");
  REQUIRE(accept(square.at("Hill"), "client50", "6", square.now).result == Accepted::Stored);
  const auto to_jaquez = square.deliver("Hill", "Jaquez");
  REQUIRE(to_jaquez.size() == 2);
  CHECK(to_jaquez[0] == first[0]);
  CHECK(square.at("Jaquez").find("client50")->time_text == "6");
  square.deliver();
  CHECK(square.at("Singleton").store().digest() == square.at("Hill").store().digest());
}
