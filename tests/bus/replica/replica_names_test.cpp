// One name, two processes: Smith, its peer Hill, and a second process that is also named Hill (the twin). The replicas
// are real; the test controls the connections.
#include <algorithm>
#include <utility>

#include "bus/replica/replica.hpp"
#include "tests/bus/fake_connections.hpp"
#include "tests/bus/two_replicas.hpp"
#include "tests/catch.hpp"

using namespace herd::bus;
using namespace herd::protocol;

namespace {

constexpr std::uint64_t kHill = 1;
constexpr std::uint64_t kSmith = 2;
constexpr std::uint64_t kTwin = 3;

std::unique_ptr<Replica> make(const std::string& name, const std::string& peer, std::uint64_t incarnation,
                              Durability durability = {}) {
  Replica::Options options{{"herd", name, incarnation, incarnation + 1'000'000, "tcp://" + name}, {peer}, {}, 1};
  options.jitter_seed = incarnation;
  options.name_wait = kNameWait;
  options.durability = durability;
  return std::make_unique<Replica>(options);
}

// Smith's ROUTER has a connection from each of the two processes. Smith's DEALER reaches the one at the configured
// address.
class TwoHills {
 public:
  Durability durability;
  std::unique_ptr<Replica> smith = make("Smith", "Hill", kSmith);
  std::unique_ptr<Replica> hill;
  std::unique_ptr<Replica> twin;
  bool hill_is_frozen = false;
  bool twin_is_at_the_address = false;
  Now now = kStart;
  std::vector<LinkChanged> smiths_links;  // since the test last cleared them
  std::vector<NameConflict> conflicts;    // of all three

  explicit TwoHills(Durability demanded = {}) : durability(demanded), hill(make("Hill", "Smith", kHill, demanded)) {}

  void start_twin() { twin = make("Hill", "Smith", kTwin, durability); }
  void end_hill() {
    hill.reset();
    connections_.closed.insert("hill");
  }
  void end_twin() {
    twin.reset();
    connections_.closed.insert("twin");
  }
  void restart_smith() {
    smith = make("Smith", "Hill", kSmith + 10);
    smiths_links.clear();
  }

  void advance(Nanoseconds time) {
    for (const Nanoseconds end = now.steady + time; now.steady < end;) {
      now.steady += 10ms;
      now.wall += 10ms;
      run_once();
    }
  }
  void run_once() {
    for (int round = 0; round < 20; ++round) {
      if (!hill_is_frozen) deliver_from(hill.get(), "hill");
      deliver_from(twin.get(), "twin");
      tick(*smith);
      while (const auto message = smith->take(0, now)) {
        Replica* reached = twin_is_at_the_address ? twin.get() : hill.get();
        if (reached != nullptr && (reached != hill.get() || !hill_is_frozen)) {
          herd::bus::receive(*reached, "smith", *message, now);
        }
      }
      for (const auto& [route, conflict] : std::exchange(connections_.sent, {})) {
        Replica* receiver = route == "hill" ? hill.get() : twin.get();
        if (receiver != nullptr) receiver->receive_back(0, encode(conflict), now);
      }
    }
  }
  [[nodiscard]] Connected link() const { return smith->peer_status(0, now).state; }

 private:
  void deliver_from(Replica* process, const std::string& route) {
    if (process == nullptr) return;
    tick(*process);
    while (const auto message = process->take(0, now)) {
      Incoming incoming{route, message->header, std::nullopt, &connections_};
      if (message->body) incoming.body = *message->body;
      smith->receive(incoming, now);
    }
  }
  void tick(Replica& process) {
    process.tick(now);
    Events events = process.take_events();
    if (&process == smith.get()) {
      smiths_links.insert(smiths_links.end(), events.links.begin(), events.links.end());
    }
    conflicts.insert(conflicts.end(), events.conflicts.begin(), events.conflicts.end());
  }

  FakeConnections connections_;
};

std::size_t count(const std::vector<NameConflict>& conflicts, NameConflict::Role role, bool over = false) {
  return static_cast<std::size_t>(std::count_if(conflicts.begin(), conflicts.end(), [&](const NameConflict& conflict) {
    return conflict.role == role && conflict.over == over;
  }));
}

TEST_CASE("a second process with a name never gets the first one's link") {
  TwoHills herd;
  herd.advance(1s);
  REQUIRE(herd.link() == Connected::Up);
  herd.smiths_links.clear();
  herd.start_twin();
  for (int i = 0; i < 100; ++i) {
    herd.advance(100ms);
    REQUIRE(herd.link() == Connected::Up);
    REQUIRE_FALSE(herd.twin->may_acknowledge());
  }
  CHECK(herd.smiths_links.empty());
  CHECK(herd.hill->may_acknowledge());
  CHECK(herd.smith->peer_status(0, herd.now).contender->incarnation == kTwin);
  CHECK(count(herd.conflicts, NameConflict::Role::Witness) == 1);
  CHECK(count(herd.conflicts, NameConflict::Role::Kept) == 1);
  CHECK(count(herd.conflicts, NameConflict::Role::Refused) == 1);
  const auto seen_by_hill = herd.hill->name_report(herd.now);
  REQUIRE(seen_by_hill);
  CHECK(seen_by_hill->keeps_name);
  CHECK(seen_by_hill->other == Claimant{kTwin, "tcp://Hill", "192.0.2.1"});
  const auto seen_by_twin = herd.twin->name_report(herd.now);
  REQUIRE(seen_by_twin);
  CHECK_FALSE(seen_by_twin->keeps_name);
  CHECK(seen_by_twin->other.incarnation == kHill);
}

TEST_CASE("a refused process acknowledges nothing, with and without a journal") {
  TwoHills herd({.journal = GENERATE(false, true)});
  herd.advance(1s);
  herd.start_twin();
  herd.run_once();
  const AcceptOutcome outcome = accept(*herd.twin, "client", "5", herd.now);
  const auto write = [&] {
    if (!herd.durability.journal || !herd.twin->wants_flush()) return;
    (void)herd.twin->begin_flush();
    herd.twin->flush_written();
  };
  for (int i = 0; i < 50; ++i) {
    write();
    REQUIRE(herd.twin->acknowledged() < outcome.number);
    herd.advance(100ms);
  }
  CHECK(accept(*herd.twin, "client", "5", herd.now).number > herd.twin->acknowledged());  // nor a duplicate
  SECTION("it acknowledges 5 s after the other process is gone") {
    herd.end_hill();
    herd.advance(kRefusedFor - 1s);
    write();
    CHECK(herd.twin->acknowledged() < outcome.number);
    herd.advance(2s);
    CHECK(herd.twin->acknowledged() >= outcome.number);
    CHECK(count(herd.conflicts, NameConflict::Role::Refused, true) == 1);
  }
  SECTION("or at once if it is then the process at the configured address") {
    herd.end_hill();
    herd.twin_is_at_the_address = true;
    herd.advance(kHelloInterval + 20ms);
    write();
    CHECK(herd.twin->acknowledged() >= outcome.number);
    herd.advance(1s);
    CHECK(herd.link() == Connected::Up);
    CHECK(herd.smith->find("client"));  // updates that it accepted while it was refused spread
  }
}

TEST_CASE("a process acknowledges nothing before a peer has answered or kNameWait is over") {
  TwoHills herd;
  const AcceptOutcome outcome = accept(*herd.hill, "client", "5", herd.now);
  CHECK(herd.hill->acknowledged() < outcome.number);
  SECTION("its peer answers") {
    herd.run_once();
    CHECK(herd.hill->acknowledged() >= outcome.number);
  }
  SECTION("its peer is away") {
    herd.hill->tick(herd.now);
    CHECK(herd.hill->tick_deadline(herd.now) == herd.now.steady + kNameWait);
    herd.now.steady += kNameWait - 1ns;
    herd.hill->tick(herd.now);
    CHECK(herd.hill->acknowledged() < outcome.number);
    herd.now.steady += 1ns;
    herd.hill->tick(herd.now);
    CHECK(herd.hill->acknowledged() >= outcome.number);
  }
}

TEST_CASE("a node that starts again gets its link at once") {
  TwoHills herd;
  herd.advance(1s);
  herd.end_hill();
  herd.twin_is_at_the_address = true;  // the new process
  herd.start_twin();
  herd.run_once();
  CHECK(herd.link() == Connected::Up);
  CHECK(herd.twin->may_acknowledge());
  CHECK(herd.conflicts.empty());
}

TEST_CASE("a process on a host that vanished loses its name after 2.5 s") {
  TwoHills herd;
  herd.advance(1s);
  herd.hill_is_frozen = true;
  herd.twin_is_at_the_address = true;
  herd.start_twin();
  herd.advance(kSilence - 1s);
  CHECK_FALSE(herd.twin->may_acknowledge());
  herd.advance(2s);
  CHECK(herd.link() == Connected::Up);
  CHECK(herd.twin->may_acknowledge());
}

TEST_CASE("a process that was frozen gets its link back if it is the one at the configured address") {
  TwoHills herd;
  herd.advance(1s);
  herd.start_twin();
  herd.hill_is_frozen = true;
  herd.advance(10s);
  CHECK(herd.link() != Connected::Up);
  herd.hill_is_frozen = false;
  herd.advance(3s);
  CHECK(herd.link() == Connected::Up);
  CHECK(herd.smith->peer_status(0, herd.now).contender->incarnation == kTwin);
  CHECK(herd.hill->may_acknowledge());
  CHECK_FALSE(herd.twin->may_acknowledge());
}

TEST_CASE("a peer that starts again links with the process at the configured address") {
  TwoHills herd;
  herd.advance(1s);
  herd.start_twin();
  herd.advance(1s);
  herd.restart_smith();
  herd.advance(2s);
  CHECK(herd.link() == Connected::Up);
  CHECK(herd.smiths_links.size() == 1);
  CHECK(herd.hill->may_acknowledge());
  CHECK_FALSE(herd.twin->may_acknowledge());
}

TEST_CASE("a late WELCOME gives the name back to the process that answers") {
  TwoHills herd;
  herd.advance(1s);
  herd.restart_smith();
  FakeConnections connections;
  const auto hello_of = [](std::uint64_t incarnation) {
    Hello hello;
    hello.herd = "herd";
    hello.node = "Hill";
    hello.incarnation = incarnation;
    hello.feed_id = incarnation + 1'000'000;
    hello.attempt = 1;
    return encode(hello);
  };
  const auto send = [&](const std::string& route, const std::string& header) {
    herd.smith->receive({route, header, std::nullopt, &connections}, herd.now);
  };
  // The second process sends HELLO more often than a far peer answers.
  send("hill", hello_of(kHill));
  send("twin", hello_of(kTwin));
  send("hill", encode(Welcome{{kHill, kSmith + 10}, kSmith + 10 + 1'000'000, 0, 1}));
  CHECK(herd.link() == Connected::Up);
  send("twin", hello_of(kTwin));
  CHECK(herd.link() == Connected::Up);
  CHECK(herd.smith->peer_status(0, herd.now).contender->incarnation == kTwin);
}

TEST_CASE("a CONFLICT for another incarnation, or any other message that comes back, changes nothing") {
  TwoHills herd;
  herd.advance(1s);
  herd.hill->receive_back(0, encode(Conflict{{kSmith, kHill + 1}, false, 9, "", ""}), herd.now);
  CHECK(herd.hill->may_acknowledge());
  herd.hill->receive_back(0, encode(Bye{kSmith}), herd.now);
  CHECK(herd.hill->counters().messages_unknown == 1);
  herd.hill->receive_back(0, "\xc1", herd.now);
  CHECK(herd.hill->counters().messages_refused == 1);
  CHECK(herd.link() == Connected::Up);
  herd.hill->receive_back(0, encode(Conflict{{kSmith, kHill}, false, 9, "", ""}), herd.now);
  CHECK_FALSE(herd.hill->may_acknowledge());
}

}  // namespace
