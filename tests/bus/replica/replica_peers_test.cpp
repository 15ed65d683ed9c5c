// Peers that come and go while the node runs (docs/PROTOCOL.md, rules 27 to 30). The replicas are real; the test
// decides which node reloads when, and which messages arrive.
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "bus/replica/replica.hpp"
#include "tests/bus/two_replicas.hpp"
#include "tests/catch.hpp"

using namespace herd::bus;
using namespace herd::protocol;

namespace {

// Some replicas, and the connections between those that are peers. A route is "A>B", as ROUTERs see it.
class Several {
 public:
  std::map<std::string, std::unique_ptr<Replica>> nodes;
  Now now = kStart;
  std::vector<std::pair<std::string, Outgoing>> held;  // instead of delivering: messages to `holds`, with their routes
  std::string holds;

  Replica& start(const std::string& name, std::vector<std::string> peers, std::uint64_t incarnation) {
    return *(nodes[name] = make_replica(name, std::move(peers), incarnation));
  }
  void add(const std::string& node, const std::string& peer) { (void)nodes.at(node)->add_peer(peer); }
  void remove(const std::string& node, const std::string& peer) {
    nodes.at(node)->remove_peer(nodes.at(node)->peers().number_of(peer).value(), now);
  }

  void deliver() {
    for (int round = 0; round < 200; ++round) {
      bool any = false;
      for (auto& [name, node] : nodes) {
        node->tick(now);
        for (PeerIndex peer = 0; peer < node->peers().end_number(); ++peer) {
          while (node->peers().has(peer)) {
            const auto message = node->take(peer, now);
            if (!message) break;
            any = true;
            pass(name, node->peers()[peer].name, *message);
          }
        }
      }
      if (!any) break;
    }
    for (auto& [name, node] : nodes) node->check_invariants();
  }
  void advance(Nanoseconds time) {
    for (const Nanoseconds end = now.steady + time; now.steady < end;) {
      now.steady += 50ms;
      now.wall += 50ms;
      deliver();
    }
  }
  [[nodiscard]] bool equal() const {
    return std::all_of(nodes.begin(), nodes.end(), [&](const auto& node) {
      return node.second->store().digest() == nodes.begin()->second->store().digest();
    });
  }
  [[nodiscard]] Connected state(const std::string& node, const std::string& peer) const {
    const Replica& replica = *nodes.at(node);
    return replica.connected(replica.peers().number_of(peer).value(), now);
  }

 private:
  void pass(const std::string& from, const std::string& to, const Outgoing& message) {
    const std::string route = from + ">" + to;
    if (to == holds) {
      held.emplace_back(route, message);
    } else if (nodes.contains(to)) {
      herd::bus::receive(*nodes.at(to), route, message, now);
    }
  }
};

constexpr Nanoseconds kLong = 10s;

}  // namespace

TEST_CASE("an added peer gets all records that came before it, whichever side reloads first") {
  Several herd;
  Replica& hill = herd.start("Hill", {}, 1);
  herd.start("Smith", {}, 2);
  (void)accept(hill, "kiwi", "5", herd.now);
  (void)accept(*herd.nodes["Smith"], "emu", "6", herd.now);
  herd.advance(1s);
  const bool hill_first = GENERATE(true, false);
  herd.add(hill_first ? "Hill" : "Smith", hill_first ? "Smith" : "Hill");
  herd.advance(kLong);
  CHECK_FALSE(herd.equal());
  herd.add(hill_first ? "Smith" : "Hill", hill_first ? "Hill" : "Smith");
  herd.advance(kLong);
  CHECK(herd.equal());
  CHECK(hill.find("emu"));
  CHECK(herd.state("Hill", "Smith") == Connected::Up);
  CHECK(herd.state("Smith", "Hill") == Connected::Up);
}

TEST_CASE("a peer that has removed this node refuses its HELLO and says what to do") {
  Several herd;
  Replica& hill = herd.start("Hill", {"Smith"}, 1);
  herd.start("Smith", {"Hill"}, 2);
  herd.advance(1s);
  (void)hill.take_events();
  herd.remove("Hill", "Smith");
  CHECK(hill.peers().size() == 0);
  herd.advance(kLong);
  CHECK(herd.state("Smith", "Hill") == Connected::Down);
  const Events events = hill.take_events();
  REQUIRE_FALSE(events.refused.empty());
  CHECK(events.refused.front().peer == "Smith");
  CHECK(events.refused.front().reason.find("no configured peer of this node") != std::string::npos);
}

TEST_CASE("the records of a removed peer stay, and reach peers that are added later") {
  Several herd;
  Replica& hill = herd.start("Hill", {"Smith"}, 1);
  herd.start("Smith", {"Hill"}, 2);
  (void)accept(*herd.nodes["Smith"], "emu", "6", herd.now);
  herd.advance(1s);
  herd.remove("Hill", "Smith");
  herd.nodes.erase("Smith");
  herd.start("Jaquez", {"Hill"}, 3);
  herd.add("Hill", "Jaquez");
  herd.advance(kLong);
  CHECK(hill.find("emu"));
  CHECK(herd.nodes["Jaquez"]->find("emu"));
  CHECK(herd.nodes["Jaquez"]->counters().divergences_healed == 0);  // the stream brought it, not reconciliation
  CHECK(herd.equal());
}

TEST_CASE("a link number is given out again, and nothing of the former link counts for the next one") {
  Several herd;
  Replica& hill = herd.start("Hill", {"Smith", "Campbell"}, 1);
  herd.start("Smith", {"Hill"}, 2);
  herd.start("Campbell", {"Hill"}, 4);
  (void)accept(*herd.nodes["Smith"], "emu", "6", herd.now);
  herd.advance(1s);
  const PeerIndex number = hill.peers().number_of("Smith").value();
  herd.holds = "Hill";  // Smith's last messages are late
  herd.advance(5s);
  const auto late = std::exchange(herd.held, {});
  herd.holds.clear();
  herd.remove("Hill", "Smith");
  CHECK_FALSE(hill.peers().has(number));
  CHECK(hill.peers().end_number() == 2);
  herd.start("Jaquez", {"Hill"}, 3);
  CHECK(hill.add_peer("Jaquez") == number);
  const std::uint64_t refused = hill.counters().messages_refused;
  std::uint64_t replayed = 0;
  for (const auto& [route, message] : late) {
    if (route != "Smith>Hill") continue;
    receive(hill, route, message, herd.now);
    ++replayed;
  }
  REQUIRE(replayed > 0);
  CHECK(hill.counters().messages_refused == refused + replayed);
  CHECK(hill.connected(number, herd.now) == Connected::Down);
  herd.advance(kLong);
  CHECK(herd.nodes["Jaquez"]->find("emu"));
}

TEST_CASE("late answers to a removed link do not count for a new link to the same peer") {
  Several herd;
  Replica& hill = herd.start("Hill", {"Smith"}, 1);
  Replica& smith = herd.start("Smith", {"Hill"}, 2);
  (void)accept(hill, "kiwi", "5", herd.now);
  herd.advance(1s);
  herd.remove("Hill", "Smith");
  const PeerIndex number = hill.add_peer("Smith");
  // Smith's HELLO makes its incarnation known again; then a WELCOME to the former link's attempt arrives.
  Hello hello;
  hello.herd = "herd";
  hello.node = "Smith";
  hello.incarnation = smith.self().incarnation;
  hello.feed_id = smith.self().feed_id;
  hello.attempt = 1;
  receive(hill, "Smith>Hill", Message{hello}, herd.now);
  const std::uint64_t one = hill.self().incarnation;
  receive(hill, "Smith>Hill", Message{Welcome{{smith.self().incarnation, one}, hill.self().feed_id, 1, 2, one, 0}},
          herd.now);
  CHECK(hill.peer_status(number, herd.now).cursors.merged == 0);
  herd.advance(kLong);
  CHECK(hill.peer_status(number, herd.now).cursors.merged == hill.store().feed().tail());
  CHECK(herd.equal());
}

TEST_CASE("a peer that returns under its name with another disk gets everything again") {
  Several herd;
  Replica& hill = herd.start("Hill", {"Smith"}, 1);
  herd.start("Smith", {"Hill"}, 2);
  (void)accept(hill, "kiwi", "5", herd.now);
  (void)accept(*herd.nodes["Smith"], "emu", "6", herd.now);
  herd.advance(1s);
  const bool removed_between = GENERATE(true, false);
  if (removed_between) herd.remove("Hill", "Smith");
  herd.nodes.erase("Smith");
  herd.start("Smith", {"Hill"}, 7);
  (void)accept(*herd.nodes["Smith"], "rhea", "7", herd.now);
  if (removed_between) herd.add("Hill", "Smith");
  herd.advance(kLong);
  CHECK(herd.nodes["Smith"]->find("kiwi"));
  CHECK(herd.nodes["Smith"]->find("emu"));
  CHECK(hill.find("rhea"));
  CHECK(herd.equal());
}

TEST_CASE("the commit mark forgets a removed peer") {
  Several herd;
  Replica& hill = herd.start("Hill", {"Smith"}, 1);
  herd.start("Smith", {"Hill"}, 2);
  (void)accept(*herd.nodes["Smith"], "emu", "6", herd.now);
  herd.advance(1s);
  while (hill.wants_flush()) {
    (void)hill.begin_flush();
    hill.flush_written();
  }
  herd.remove("Hill", "Smith");
  CHECK(hill.wants_flush());
  CHECK(hill.begin_flush().find("Smith") == std::string::npos);
  hill.flush_written();
  CHECK_FALSE(hill.wants_flush());
}

TEST_CASE("the seen-set forgets a removed peer: a late repeat of its update is judged by the order") {
  Several herd;
  Replica& hill = herd.start("Hill", {"Smith", "Jaquez"}, 1);
  Replica& smith = herd.start("Smith", {"Hill", "Jaquez"}, 2);
  Replica& jaquez = herd.start("Jaquez", {"Hill", "Smith"}, 3);
  herd.advance(1s);
  (void)accept(smith, "emu", "6", herd.now);
  (void)accept(jaquez, "rhea", "7", herd.now);  // so that Jaquez's batch is not the same body as Smith's
  herd.holds = "Hill";
  herd.deliver();
  const auto held = std::exchange(herd.held, {});
  const auto pass = [&](const std::string& route) {
    for (const auto& [by, message] : held) {
      if (by == route) receive(hill, route, message, herd.now);
    }
  };
  pass("Smith>Hill");
  CHECK(hill.find("emu"));
  herd.remove("Hill", "Smith");
  const std::uint64_t older = hill.counters().updates_older;
  pass("Jaquez>Hill");
  CHECK(hill.find("rhea"));
  CHECK(hill.counters().updates_older > older);
}

TEST_CASE("a removed peer proves nothing, and with too few peers no reply leaves") {
  Replica::Options options;
  options.self = {"herd", "Hill", 1, 1'000'001};
  options.peers = {"Smith", "Jaquez"};
  options.limits.prompt_durable = true;
  options.durability = {true, 1};
  options.random_id = drawn_ids(1);
  Several herd;
  herd.nodes["Hill"] = std::make_unique<Replica>(std::move(options));
  Replica& hill = *herd.nodes["Hill"];
  Replica& smith = herd.start("Smith", {"Hill"}, 2);
  const auto write = [](Replica& replica) {
    while (replica.wants_flush()) {
      (void)replica.begin_flush();
      replica.flush_written();
    }
  };
  const auto outcome = accept(hill, "kiwi", "5", herd.now);
  hill.await(outcome.number);
  for (int i = 0; i < 20; ++i) {
    herd.advance(200ms);
    write(hill);
    write(smith);
  }
  REQUIRE(hill.acknowledged() >= outcome.number);
  herd.remove("Hill", "Smith");
  CHECK(hill.acknowledged() < outcome.number);
  hill.check_invariants();
  herd.remove("Hill", "Jaquez");
  CHECK(hill.acknowledged() == 0);
  hill.check_invariants();
}

TEST_CASE("a process is not refused any more by a peer that is removed") {
  Replica::Options options;
  options.self = {"herd", "Hill", 1, 1'000'001, "tcp://Hill"};
  options.peers = {"Smith"};
  options.name_wait = kNameWait;
  Replica hill(options);
  hill.tick(kStart);
  const PeerIndex smith = hill.peers().number_of("Smith").value();
  hill.receive_back(smith, encode(Conflict{{2, 1}, false, 9, "tcp://other", "192.0.2.9"}), kStart);
  CHECK_FALSE(hill.may_acknowledge());
  CHECK(hill.name_report(kStart));
  hill.remove_peer(smith, kStart);
  CHECK(hill.may_acknowledge());
  CHECK_FALSE(hill.name_report(kStart));
  hill.tick(kStart);
}
