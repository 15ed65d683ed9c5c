// Durability: replies wait for this node's journal and for those of peers. Two replicas; the test controls their disks
// and the wire between them.
#include <string>

#include "tests/bus/one_link.hpp"
#include "tests/bus/two_replicas.hpp"
#include "tests/catch.hpp"

using namespace herd::bus;
using namespace std::chrono_literals;

namespace {

std::unique_ptr<Replica> make_durable(std::string name, std::string peer, std::uint64_t incarnation,
                                      JournalPlannerLimits limits = {}) {
  Replica::Options options;
  options.self = {"herd", std::move(name), incarnation, incarnation + 1'000'000};
  options.peers = {std::move(peer)};
  options.limits.prompt_durable = true;
  options.hash_seed = incarnation;
  options.durability = {true, 1};
  options.random_id = drawn_ids(incarnation);
  options.planner = limits;
  return std::make_unique<Replica>(std::move(options));
}

// Hill and Smith, each with a journal that is written when the test calls write(). Replies wait for both journals.
struct TwoDurable : TwoReplicas {
  explicit TwoDurable(JournalPlannerLimits limits = {}) {
    hill = make_durable("Hill", "Smith", 1, limits);
    smith = make_durable("Smith", "Hill", 2, limits);
    (void)deliver();
    write(*hill);
    write(*smith);
    (void)deliver();
  }
  static void write(Replica& replica) {
    while (replica.wants_flush()) {
      (void)replica.begin_flush();
      replica.flush_written();
    }
  }
};

}  // namespace

TEST_CASE("a reply waits for this node's journal and for a peer's, whichever is written last") {
  TwoDurable herd;
  const auto outcome = accept(*herd.hill, "kiwi", "5", herd.now);
  const bool peer_first = GENERATE(true, false);
  REQUIRE(herd.deliver());
  CHECK(herd.hill->acknowledged() < outcome.number);
  TwoDurable::write(peer_first ? *herd.smith : *herd.hill);
  REQUIRE(herd.deliver());
  CHECK(herd.hill->acknowledged() < outcome.number);
  TwoDurable::write(peer_first ? *herd.hill : *herd.smith);
  REQUIRE(herd.deliver());
  CHECK(herd.hill->acknowledged() >= outcome.number);
}

TEST_CASE("replies wait for as many peers as set_replicas() states, also those that wait already") {
  const LinkLimits prompt{.prompt_durable = true};
  TwoDurable herd;
  const auto outcome = accept(*herd.hill, "kiwi", "5", herd.now);
  TwoDurable::write(*herd.hill);
  CHECK(herd.hill->acknowledged() < outcome.number);
  herd.hill->set_replicas(0, {});
  CHECK(herd.hill->durability().replicas == 0);
  CHECK(herd.hill->acknowledged() >= outcome.number);
  herd.hill->set_replicas(1, prompt);
  CHECK(herd.hill->acknowledged() < outcome.number);
  REQUIRE(herd.deliver());
  TwoDurable::write(*herd.smith);
  REQUIRE(herd.deliver());
  CHECK(herd.hill->acknowledged() >= outcome.number);
  herd.hill->set_replicas(2, prompt);  // more than there are peers
  CHECK(herd.hill->acknowledged() == 0);
  herd.hill->check_invariants();
}

TEST_CASE("links acknowledge as set_replicas() states, also those that are made later") {
  TwoDurable herd;
  const auto is_prompt = [&] {
    (void)accept(*herd.hill, "kiwi", std::to_string(5 + herd.delivered), herd.now);
    REQUIRE(herd.deliver());
    TwoDurable::write(*herd.smith);
    return herd.smith->peers()[0].link.receiving().owes_ack();
  };
  CHECK(is_prompt());
  herd.smith->set_replicas(0, {});
  REQUIRE(herd.deliver());
  CHECK_FALSE(is_prompt());
  herd.smith->set_replicas(1, {.prompt_durable = true});
  herd.smith->remove_peer(0, herd.now);
  (void)herd.smith->add_peer("Hill");
  REQUIRE(herd.advance(5s));
  CHECK(is_prompt());
}

TEST_CASE("the reply to a report that is not newer waits for the newer record") {
  TwoDurable herd;
  const auto first = accept(*herd.hill, "kiwi", "5", herd.now);
  const auto duplicate = accept(*herd.hill, "kiwi", "5", herd.now);
  const auto older = accept(*herd.hill, "kiwi", "4", herd.now);
  CHECK(duplicate.result == Accepted::Duplicate);
  CHECK(older.result == Accepted::NotNewer);
  CHECK(duplicate.number == first.number);
  CHECK(older.number == first.number);
  CHECK(herd.hill->acknowledged() < duplicate.number);
}

TEST_CASE("a reply waits for a record from a peer as for one from a client") {
  TwoDurable herd;
  (void)accept(*herd.smith, "kiwi", "5", herd.now);
  REQUIRE(herd.deliver());
  const auto duplicate = accept(*herd.hill, "kiwi", "5", herd.now);
  CHECK(duplicate.result == Accepted::Duplicate);
  CHECK(herd.hill->acknowledged() < duplicate.number);
  TwoDurable::write(*herd.hill);
  REQUIRE(herd.advance(1s));  // an empty batch covers the feed range that has nothing for Smith
  TwoDurable::write(*herd.smith);
  REQUIRE(herd.deliver());
  CHECK(herd.hill->acknowledged() >= duplicate.number);
}

TEST_CASE("a flush that is under way when a batch comes does not make the batch durable") {
  TwoDurable herd;
  (void)accept(*herd.smith, "plum", "5", herd.now);
  (void)herd.smith->begin_flush();
  const auto outcome = accept(*herd.hill, "kiwi", "5", herd.now);
  REQUIRE(herd.deliver());
  herd.smith->flush_written();
  TwoDurable::write(*herd.hill);
  REQUIRE(herd.deliver());
  CHECK(herd.hill->acknowledged() < outcome.number);
  TwoDurable::write(*herd.smith);
  REQUIRE(herd.deliver());
  CHECK(herd.hill->acknowledged() >= outcome.number);
}

TEST_CASE("a peer's cursor is durable once its journal has written it") {
  TwoDurable herd;
  const auto durable = accept(*herd.hill, "kiwi", "5", herd.now);
  REQUIRE(herd.deliver());
  CHECK(herd.hill->peer_status(0, herd.now).cursors.merged == durable.number);
  CHECK(herd.hill->peer_status(0, herd.now).cursors.durable < durable.number);
  TwoDurable::write(*herd.smith);
  REQUIRE(herd.deliver());
  CHECK(herd.hill->peer_status(0, herd.now).cursors.durable == durable.number);
}

TEST_CASE("while a reply waits, a peer is asked again if its ACK of what is durable was lost") {
  TwoDurable herd;
  const auto outcome = accept(*herd.hill, "kiwi", "5", herd.now);
  REQUIRE(herd.deliver());
  TwoDurable::write(*herd.hill);
  TwoDurable::write(*herd.smith);
  herd.arrives = [](const auto& message) { return !std::holds_alternative<herd::protocol::Ack>(message); };
  REQUIRE(herd.deliver());
  herd.arrives = [](const auto&) { return true; };
  CHECK(herd.hill->acknowledged() < outcome.number);
  herd.hill->await(outcome.number);
  REQUIRE(herd.advance(2s));
  CHECK(herd.hill->acknowledged() >= outcome.number);
}

TEST_CASE("a durable number below the tail proves nothing: the record sent under it may have moved on") {
  OneLink one({8, 1});
  one.open();
  one.move("kiwi");
  one.move("plum");
  one.move("kiwi");  // from 1 to 3
  const auto first = one.send();
  REQUIRE(first);
  CHECK(first->clients == std::vector<std::string>{"plum"});
  CHECK(first->batch.to == 2);
  one.ack(2, 1, 2);
  CHECK(one.link.sending().cursors().durable == 2);
  CHECK(one.link.sending().proven() == 0);
  REQUIRE(one.send());
  one.ack(3, 1, 2);
  CHECK(one.link.sending().proven() == 0);
  one.ack(3, 1, 3);
  CHECK(one.link.sending().proven() == 3);
}

TEST_CASE("a durable number of a former attempt proves nothing in the present one") {
  OneLink one;
  one.open();
  one.fill(3);
  REQUIRE(one.send());
  one.hello();
  one.advance(11s);  // no answer: the handshake restarts
  one.welcome(3, one.hello_attempt());
  one.ack(3, 1, 3);
  CHECK(one.link.sending().cursors().durable == 3);
  CHECK(one.link.sending().proven() == 0);
}

TEST_CASE("neither an empty range nor a lagging disk delays the empty batch that asks for the durable number") {
  OneLink one({8, 1});
  one.open();
  one.move("kiwi");
  REQUIRE(one.send());
  one.ack(1);
  one.link.sending().await(1);
  one.advance(kAnswerTimeoutMin - std::chrono::nanoseconds{1});
  one.move("plum", kThisLink);  // the peer sent it: the range to the tail is empty, and may wait
  CHECK_FALSE(one.send());
  one.advance(std::chrono::nanoseconds{1});
  const auto asked = one.send();
  REQUIRE(asked);
  CHECK(asked->records == 0);
  CHECK(asked->batch.to == one.tail());
  CHECK(one.link.send_deadline() > one.now.steady);
  one.ack(2);
  one.store.superseded().begin_flush(one.tail());
  for (std::size_t i = 0; i <= kMaxSupersededScanned; ++i) one.store.superseded().note(1, 0);  // a disk that fails
  one.move("pear");
  one.move("fig");
  one.advance(kAnswerTimeoutMin);
  while (const auto more = one.send()) {
    REQUIRE(one.link.sending().in_flight() < 8);
    one.ack(more->batch.to);
    if (more->records == 0) break;
  }
  CHECK(one.link.send_deadline() > one.now.steady);
}

TEST_CASE("an empty batch that asks for the durable number is answered, and no timeout follows") {
  OneLink one;
  one.open();
  one.move("kiwi");
  REQUIRE(one.send());
  one.ack(1);
  one.link.sending().await(1);
  one.advance(kAnswerTimeoutMin + std::chrono::nanoseconds{1});
  const auto asked = one.send();
  REQUIRE(asked);
  CHECK(asked->batch.from == asked->batch.to);
  one.ack(1);
  CHECK(one.link.sending().in_flight() == 0);
  one.ack(1, 1, 1);
  CHECK(one.link.sending().proven() == 1);
}

TEST_CASE("a new durable number is sent at once, however long an ACK may wait") {
  OneLink one({.prompt_durable = true, .ack_delay = 1ms});
  one.open();
  REQUIRE(one.batch(0, 5));
  CHECK(one.messages().empty());
  one.link.receiving().durable({"Smith", kPeerFeed, {5, kPeerIncarnation}});
  const auto messages = one.messages();
  REQUIRE(one_of<herd::protocol::Ack>(messages));
  CHECK(one_of<herd::protocol::Ack>(messages)->durable == 5);
}
