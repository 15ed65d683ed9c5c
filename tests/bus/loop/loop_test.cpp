// The order of a loop iteration, and what it tells the process around it. Hill's loop is real; the test plays the peer
// Smith, the disk and the clients.
#include "bus/loop/loop.hpp"

#include "tests/bus/loop/one_loop.hpp"
#include "tests/catch.hpp"

using namespace herd::bus;
using herd::protocol::Nanoseconds;
using herd::protocol::Now;

namespace {

// The connections of Hill's loop. Smith is a real replica on the other end.
class WireToSmith : public Transport {
 public:
  WireToSmith(Steps& steps, Replica& hill) : steps_(steps), hill_(hill) {}

  std::deque<Outgoing> arrived;  // at Hill, from Smith
  std::deque<Outgoing> sent;     // by Hill
  bool accepts = true;           // Smith's connection takes messages
  bool came_back = false;
  int reconnects = 0;

  [[nodiscard]] bool receive(Now now) override {
    steps_.emplace_back("receive");
    for (; !arrived.empty(); arrived.pop_front()) herd::bus::receive(hill_, "from Smith", arrived.front(), now);
    return false;
  }
  bool receive_back(PeerIndex /*peer*/, Now /*now*/) override { return std::exchange(came_back, false); }
  [[nodiscard]] bool touched(PeerIndex /*peer*/) const override { return came_back; }
  [[nodiscard]] bool was_writable(PeerIndex /*peer*/) const override { return accepts; }
  [[nodiscard]] bool writable(PeerIndex /*peer*/) override { return accepts; }
  void send(PeerIndex /*peer*/, const Outgoing& message) override {
    steps_.emplace_back("send");
    sent.push_back(message);
  }
  void reconnect(PeerIndex /*peer*/) override { ++reconnects; }
  [[nodiscard]] Nanoseconds due() const override { return Nanoseconds::max(); }

 private:
  Steps& steps_;
  Replica& hill_;
};

class OneLoop : private LoopHost {
 public:
  explicit OneLoop(std::size_t replicas = 0) : disk(steps) {
    hill = durable("Hill", "Smith", 1, replicas);
    smith = durable("Smith", "Hill", 2, 0);
    disk.text = hill->planner().begin_run();
    wire.emplace(steps, *hill);
    journal.emplace(disk, Journal::Options{.sync = true});
    loop.emplace(Loop::Parts{*hill, *wire, *journal, *this});
    REQUIRE(settle());
    steps.clear();
  }

  Steps steps;
  FakeDisk disk;
  std::unique_ptr<Replica> hill;
  std::unique_ptr<Replica> smith;
  std::optional<WireToSmith> wire;
  std::optional<Journal> journal;
  std::optional<Loop> loop;
  Now now = kStart;
  ChangeNumber waits_for = 0;  // the number that a reply waits for
  ChangeNumber released = 0;

  bool iterate(Nanoseconds time = 1ms) {
    now.steady += time;
    return loop->end_iteration(now);
  }
  // Smith receives what Hill has sent, and its answers arrive at Hill.
  void exchange() {
    for (; !wire->sent.empty(); wire->sent.pop_front()) receive(*smith, "from Hill", wire->sent.front(), now);
    smith->tick(now);
    while (auto message = smith->take(0, now)) wire->arrived.push_back(std::move(*message));
  }
  void smith_writes() const {
    while (smith->wants_flush()) {
      (void)smith->begin_flush();
      smith->flush_written();
    }
  }
  // Both sides work until the link is up, and everything is sent and written.
  bool settle() {
    for (int i = 0; i < 200; ++i) {
      if (disk.job) disk.finish();
      (void)iterate();
      exchange();
      smith_writes();
    }
    return hill->connected(0, now) == Connected::Up && wire->sent.empty();
  }

 private:
  static std::unique_ptr<Replica> durable(std::string name, std::string peer, std::uint64_t run, std::size_t replicas) {
    Replica::Options options{{"herd", std::move(name), run, run + 1'000'000}, {std::move(peer)}, {}, run};
    options.limits.prompt_durable = true;
    options.durability = {true, replicas};
    options.random_id = drawn_ids(run);
    return std::make_unique<Replica>(options);
  }
  void deliver(Now /*now*/) override { steps.emplace_back("deliver"); }
  void release(ChangeNumber acknowledged) override {
    steps.emplace_back("release");
    released = acknowledged;
  }
  [[nodiscard]] ChangeNumber awaited() const override { return waits_for; }
  [[nodiscard]] bool report(Now /*now*/) override {
    steps.emplace_back("report");
    return false;
  }
};

}  // namespace

TEST_CASE("an iteration receives, sends, delivers, flushes, releases and reports, in this order") {
  OneLoop one;
  (void)accept(*one.hill, "kiwi", "5", one.now);
  (void)accept(*one.smith, "plum", "5", one.now);
  one.exchange();
  (void)one.iterate();
  CHECK(one.steps == Steps{"receive", "send", "send", "deliver", "flush", "report"});  // a batch, and an ACK
  CHECK(one.disk.job->bytes.find("plum") != std::string::npos);  // what has arrived is in the flush of the iteration
  one.steps.clear();
  one.disk.finish();
  (void)one.iterate();
  CHECK(one.steps == Steps{"receive", "deliver", "release", "report"});
}

TEST_CASE("a reply is released when its record is durable, not before") {
  OneLoop one;
  const auto outcome = accept(*one.hill, "kiwi", "5", one.now);
  (void)one.iterate();
  CHECK(one.released < outcome.number);
  (void)one.iterate();
  CHECK(one.released < outcome.number);
  one.disk.finish();
  (void)one.iterate();
  CHECK(one.released >= outcome.number);
}

TEST_CASE("after a failed sync no reply is released, and the loop is over") {
  OneLoop one;
  const auto outcome = accept(*one.hill, "kiwi", "5", one.now);
  (void)one.iterate();
  JournalJob result;
  result.trouble = "Input/output error";
  result.fatal = true;
  one.disk.finish(result);
  CHECK_FALSE(one.loop->disk_lost());
  one.steps.clear();
  (void)one.iterate();
  CHECK(one.loop->disk_lost());
  CHECK(one.released < outcome.number);
  CHECK(one.steps.back() == "report");  // the operator learns why
}

TEST_CASE(
    "with replicas, a peer's reply waits for the ACK that follows a flush, so the next iteration begins at once") {
  OneLoop one(1);
  (void)accept(*one.smith, "plum", "5", one.now);
  one.exchange();
  CHECK_FALSE(one.iterate());
  REQUIRE(one.disk.job);
  one.disk.finish();
  CHECK(one.iterate());
}

TEST_CASE("with replicas, a peer is asked again for the change number that a reply waits for") {
  OneLoop one(1);
  const auto outcome = accept(*one.hill, "kiwi", "5", one.now);
  one.waits_for = outcome.number;
  (void)one.iterate();
  one.disk.finish();
  (void)one.iterate();
  one.exchange();
  (void)one.iterate();
  CHECK(one.released < outcome.number);  // Smith has merged the record, but not written it
  one.smith_writes();
  one.exchange();
  one.wire->arrived.clear();  // Smith's ACK about its journal is lost
  for (int i = 0; i < 100 && one.released < outcome.number; ++i) {
    (void)one.iterate(50ms);
    one.exchange();
    if (one.disk.job) one.disk.finish();
  }
  CHECK(one.released >= outcome.number);
}

TEST_CASE("an iteration in which something came back over a connection is followed by another at once") {
  OneLoop one;
  one.wire->came_back = true;
  CHECK(one.iterate());
  CHECK_FALSE(one.iterate());
}

TEST_CASE("a connection that accepts nothing gets nothing, and its peer is still received from") {
  OneLoop one;
  one.wire->accepts = false;
  (void)accept(*one.hill, "kiwi", "5", one.now);
  (void)accept(*one.smith, "plum", "5", one.now);
  one.exchange();
  (void)one.iterate();
  CHECK(one.wire->sent.empty());
  CHECK(one.hill->find("plum"));
}

TEST_CASE("a connection to a peer that does not answer is opened again after 5 s") {
  OneLoop one;
  for (int i = 0; i < 40; ++i) {
    (void)one.iterate(100ms);
    if (one.disk.job) one.disk.finish();
  }
  CHECK(one.wire->reconnects == 0);  // 4 s: at first the link was still up
  for (int i = 0; i < 100; ++i) {
    (void)one.iterate(100ms);
    if (one.disk.job) one.disk.finish();
  }
  CHECK(one.wire->reconnects >= 1);
}

TEST_CASE("the next deadline is not later than those of the replica, the transport and the journal") {
  OneLoop one;
  (void)one.iterate();
  const Nanoseconds deadline = one.loop->next_deadline(one.now);
  CHECK(deadline <= one.hill->tick_deadline(one.now));
  CHECK(deadline <= one.journal->next_deadline(*one.hill));
  CHECK(deadline > one.now.steady);
}
