// The stream of a link: batches, their acknowledgements, and what happens when one is lost.
#include <algorithm>
#include <set>

#include "tests/bus/one_link.hpp"
#include "tests/catch.hpp"

using namespace herd::bus;
using namespace herd::protocol;

namespace {

constexpr LinkLimits kSmall{.max_in_flight = 2, .max_batch = 4};

}  // namespace

TEST_CASE("sending continues from the cursor of the WELCOME") {
  OneLink one;
  one.fill(10);
  one.open(4);
  const auto sent = one.send();
  REQUIRE(sent);
  CHECK(sent->batch.incarnations == Incarnations{kOurIncarnation, kPeerIncarnation});
  CHECK(sent->batch.from == 4);
  CHECK(sent->batch.to == 10);
  CHECK(sent->records == 6);
  CHECK_FALSE(one.send());
}

TEST_CASE("a batch begins where the previous one ended, and covers superseded numbers") {
  OneLink one(LinkLimits{.max_in_flight = 8, .max_batch = 3});
  one.fill(5);
  one.move("client1");  // number 2 becomes number 6
  one.open();
  const auto first = one.send();
  const auto second = one.send();
  REQUIRE(first);
  REQUIRE(second);
  CHECK(first->clients == std::vector<std::string>{"client0", "client2", "client3"});
  CHECK(first->batch.from == 0);
  CHECK(first->batch.to == 4);
  CHECK(second->batch.from == 4);
  CHECK(second->batch.to == 6);
  CHECK(second->clients == std::vector<std::string>{"client4", "client1"});
  one.move("client4");
  CHECK(one.send()->batch.from == 6);
}

TEST_CASE("only an ACK advances the cursor") {
  OneLink one;
  one.fill(10);
  one.open();
  REQUIRE(one.send());
  CHECK(one.link.sending().cursors().sent == 10);
  CHECK(one.link.sending().cursors().merged == 0);
  one.ack(7);
  CHECK(one.link.sending().cursors().merged == 7);
  CHECK(one.link.sending().in_flight() == 1);
  one.ack(10);
  CHECK(one.link.sending().cursors().merged == 10);
  CHECK(one.link.sending().in_flight() == 0);
}

TEST_CASE("an old ACK that comes late moves no cursor back") {
  OneLink one;
  one.fill(10);
  one.open();
  REQUIRE(one.send());
  one.ack(10, 1, 8);
  one.ack(4, 1, 2);
  CHECK(one.link.sending().cursors().merged == 10);
  CHECK(one.link.sending().cursors().durable == 8);
  CHECK(one.link.sending().cursors().sent == 10);
}

TEST_CASE("an ACK above the tail, or with more durable than merged, is ignored") {
  OneLink one;
  one.fill(10);
  one.open();
  REQUIRE(one.send());
  for (const auto& [merged, durable] : {std::pair<ChangeNumber, ChangeNumber>{11, 0}, {UINT64_MAX, 0}, {5, 6}}) {
    one.ack(merged, 1, durable);
    CHECK(one.link.sending().cursors().merged == 0);
    CHECK(one.link.sending().cursors().durable == 0);
  }
  one.ack(10, 1, 10);
  CHECK(one.link.sending().cursors().durable == 10);
}

TEST_CASE("at most max_in_flight batches are in flight") {
  OneLink one(LinkLimits{.max_in_flight = 8, .max_batch = 1});
  one.fill(20);
  one.open();
  for (int i = 0; i < 8; ++i) REQUIRE(one.send());
  CHECK(one.link.sending().in_flight() == 8);
  CHECK_FALSE(one.send());
  one.ack(1);
  CHECK(one.send());
  CHECK_FALSE(one.send());
}

TEST_CASE("without an ACK in time the link goes back to the acknowledged cursor, in a new attempt") {
  OneLink one(LinkLimits{.max_in_flight = 8, .max_batch = 5});
  one.fill(10);
  one.open();
  const auto first = one.send();
  REQUIRE(first);
  REQUIRE(one.send());
  one.ack(5);
  one.advance(kAnswerTimeoutMin - 1ns);
  CHECK(one.link.round_trip().timeouts() == 0);
  one.advance(1ns);
  CHECK(one.link.round_trip().timeouts() == 1);
  CHECK_FALSE(one.send());  // only HELLO is sent
  const auto messages = one.messages();
  REQUIRE(messages.size() == 1);
  const std::uint64_t attempt = one_of<Hello>(messages)->attempt;
  CHECK(attempt > first->batch.attempt);
  one.welcome(5, attempt);
  const auto again = one.send();
  REQUIRE(again);
  CHECK(again->batch.from == 5);
  CHECK(again->batch.attempt > attempt);
}

TEST_CASE("the timeout of an answer is at least two and a half measured round trips") {
  OneLink one;
  one.open();
  for (int i = 0; i < 60; ++i) {  // until the average is near 300 ms
    one.move("kiwi");
    REQUIRE(one.send());
    one.advance(300ms);
    one.ack(one.tail());
  }
  CHECK(one.link.round_trip().timeouts() == 0);
  CHECK(one.link.round_trip().average() > 290ms);
  one.move("kiwi");
  REQUIRE(one.send());
  one.advance(750ms);
  CHECK(one.link.round_trip().timeouts() == 0);
  one.advance(750ms);
  CHECK(one.link.round_trip().timeouts() == 1);
}

TEST_CASE("a peer that is too slow for the first timeouts does not time out again and again") {
  OneLink one;
  one.fill(1);
  one.open();
  bool acknowledged = false;
  for (int tries = 0; tries < 40 && !acknowledged; ++tries) {
    one.move("kiwi");
    if (!one.send()) {
      one.welcome(one.link.sending().cursors().merged, one.hello_attempt());
      continue;
    }
    const std::uint64_t before = one.link.round_trip().timeouts();
    one.advance(1500ms);
    acknowledged = one.link.round_trip().timeouts() == before;
  }
  CHECK(acknowledged);
}

TEST_CASE("a WELCOME to an older attempt does not rewind the stream") {
  OneLink one;
  one.fill(10);
  one.hello();
  const std::uint64_t attempt = one.hello_attempt();
  one.welcome(0, attempt);
  REQUIRE(one.send());
  one.ack(10);
  one.welcome(0, attempt);  // an answer to another HELLO of that attempt
  CHECK(one.link.sending().cursors().merged == 10);
  CHECK(one.link.sending().cursors().sent == 10);
  CHECK_FALSE(one.send());
}

TEST_CASE("a WELCOME to the present attempt is taken as it is, also below the acknowledged cursor") {
  OneLink one;
  one.fill(10);
  one.open();
  const auto sent = one.send();
  REQUIRE(sent);
  one.ack(10, 1, 10);
  one.welcome(6, sent->batch.attempt);
  CHECK(one.link.sending().cursors().merged == 6);
  CHECK(one.link.sending().cursors().durable == 6);
  CHECK(one.link.sending().in_flight() == 0);
  CHECK(one.send()->batch.from == 6);
}

TEST_CASE("an ACK of a former attempt still moves the acknowledged cursor") {
  OneLink one;
  one.fill(10);
  one.open();
  const auto sent = one.send();
  REQUIRE(sent);
  one.advance(kAnswerTimeoutMin);
  REQUIRE(one.link.round_trip().timeouts() == 1);
  one.ack(10, sent->batch.attempt);
  CHECK(one.link.sending().cursors().merged == 10);
}

TEST_CASE("a batch that leaves a gap is answered with WELCOME, which names the cursor to continue from") {
  OneLink one;
  one.open();
  REQUIRE(one.batch(0, 5, 2));
  CHECK(one_of<Ack>(one.messages())->merged == 5);
  CHECK(one.batch(6, 9, 2));  // its updates are used all the same
  auto messages = one.messages();
  REQUIRE(messages.size() == 1);
  REQUIRE(one_of<Welcome>(messages));
  CHECK(one_of<Welcome>(messages)->cursor == 5);
  CHECK(one_of<Welcome>(messages)->attempt == 2);
  REQUIRE(one.batch(5, 9, 3));
  messages = one.messages();
  REQUIRE(one_of<Ack>(messages));
  CHECK(one_of<Ack>(messages)->merged == 9);
  CHECK(one_of<Ack>(messages)->attempt == 3);
}

TEST_CASE("a batch received twice is acknowledged with all that is merged, and nothing is durable without a journal") {
  OneLink one;
  one.open();
  REQUIRE(one.batch(0, 5));
  REQUIRE(one.batch(5, 9));
  REQUIRE(one.batch(0, 5));
  const auto messages = one.messages();
  REQUIRE(messages.size() == 1);
  CHECK(std::get<Ack>(messages[0]).merged == 9);
  CHECK(std::get<Ack>(messages[0]).durable == 0);
  CHECK(std::get<Ack>(messages[0]).incarnations == Incarnations{kOurIncarnation, kPeerIncarnation});
}

TEST_CASE("an empty batch is acknowledged") {
  OneLink one;
  one.open();
  REQUIRE(one.batch(0, 0));
  CHECK(one_of<Ack>(one.messages()));
}

TEST_CASE("a feed range without records for the peer is sent after kEmptyBatchDelay, or sooner with the next record") {
  OneLink one;
  one.open();
  one.move("kiwi", kThisLink);
  CHECK_FALSE(one.send());
  CHECK(one.link.send_deadline() == one.now.steady + kEmptyBatchDelay);
  one.advance(kEmptyBatchDelay - 1ns);
  CHECK_FALSE(one.send());
  one.move("plum", kThisLink);  // does not delay it further
  CHECK_FALSE(one.send());
  one.advance(1ns);
  const auto empty = one.send();
  REQUIRE(empty);
  CHECK(empty->records == 0);
  CHECK(empty->batch.from == 0);
  CHECK(empty->batch.to == 2);
  one.ack(2);
  one.move("kiwi", kThisLink);
  CHECK_FALSE(one.send());
  one.move("plum");
  const auto full = one.send();
  REQUIRE(full);
  CHECK(full->clients == std::vector<std::string>{"plum"});
  CHECK(full->batch.from == 2);
  CHECK(full->batch.to == 4);
}

TEST_CASE("an empty range that waits for an ACK has no deadline in the past") {
  OneLink one(LinkLimits{.max_in_flight = 1, .max_batch = 4});
  one.open();
  one.move("kiwi", kThisLink);
  CHECK_FALSE(one.send());
  one.move("plum");
  REQUIRE(one.send());
  one.move("kiwi", kThisLink);
  CHECK_FALSE(one.send());
  one.advance(kEmptyBatchDelay);
  CHECK_FALSE(one.send());
  CHECK(one.link.send_deadline() > one.now.steady);
}

TEST_CASE("each record reaches the peer in the end, whichever messages are lost") {
  OneLink one(kSmall);
  one.fill(30);
  one.open();
  std::set<std::string> arrived;
  ChangeNumber merged = 0;
  for (int round = 0; round < 200 && one.link.sending().cursors().merged < one.tail(); ++round) {
    const auto sent = one.send();
    if (!sent) {
      one.advance(100ms);
      if (const std::uint64_t attempt = one.hello_attempt()) one.welcome(merged, attempt);
      continue;
    }
    if (round % 3 == 0) continue;  // lost on the way
    arrived.insert(sent->clients.begin(), sent->clients.end());
    if (sent->batch.from > merged) {
      one.welcome(merged, sent->batch.attempt);
      continue;
    }
    merged = std::max(merged, sent->batch.to);
    if (round % 4 != 0) one.ack(merged, sent->batch.attempt);  // else the ACK is lost
  }
  CHECK(arrived.size() == 30);
  CHECK(one.link.sending().cursors().merged == one.tail());
}

TEST_CASE("wants_to_send() is never false while there is a message to send") {
  OneLink one;
  const auto wants = [&] { return one.link.wants_to_send(one.now, one.tail()); };
  CHECK(wants());
  one.open();
  CHECK_FALSE(wants());
  one.move("ours");
  CHECK(wants());
  REQUIRE(one.send());
  CHECK_FALSE(wants());
  one.ack(1);
  one.link.receive(Ping{1, {}}, one.now);
  CHECK(wants());
  (void)one.messages();
  one.batch(0, 1);
  CHECK(wants());
  (void)one.messages();
  one.move("theirs", kThisLink);
  CHECK(wants());
  CHECK_FALSE(one.send());
  CHECK_FALSE(wants());
  one.advance(kEmptyBatchDelay);
  CHECK(wants());
  REQUIRE(one.send());
  one.ack(2);
  one.advance(kPingInterval - kEmptyBatchDelay);
  CHECK(wants());
}
