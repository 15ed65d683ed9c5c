#include "bus/link/handshake.hpp"

#include <vector>

#include "bus/link/link_limits.hpp"
#include "tests/catch.hpp"

using namespace herd::bus;
using namespace herd::protocol;

namespace {

constexpr std::uint64_t kPeer = 200;
const Self kSelf{"herd", "Hill", 100, 101, "hill:7"};
const ReceivingCursor kReceiving({}, {"Smith", 201, {40, kPeer, 33}});

constexpr Now at(Nanoseconds time) {
  return {time, 1'000s + time};
}

// A handshake with a peer that has sent HELLO, and has got the answers.
Handshake introduced() {
  Handshake handshake(kSelf);
  handshake.begin_incarnation(kPeer);
  handshake.receive(Hello{});
  while (handshake.take(at(0s), 0, kReceiving)) continue;
  return handshake;
}

Welcome welcome(std::uint64_t attempt) {
  return {{kPeer, kSelf.incarnation}, kSelf.feed_id, 0, attempt, 0, 0};
}

}  // namespace

// The example of the header.
TEST_CASE("HELLO is repeated every 500 ms, and from the third on at growing intervals of at most 2 s") {
  Handshake handshake(kSelf);
  for (const Nanoseconds due : {0ms, 500ms, 1000ms, 2000ms, 4000ms, 6000ms}) {
    CHECK(handshake.hello_deadline() == due);
    if (due > 0ms) CHECK_FALSE(handshake.take(at(due - 1ns), 0, kReceiving));
    const auto message = handshake.take(at(due), 9, kReceiving);
    REQUIRE(message);
    CHECK(std::get<Hello>(*message).attempt == 1);
    CHECK(std::get<Hello>(*message).tail == 9);
    CHECK(std::get<Hello>(*message).clock == at(due).wall);
    CHECK_FALSE(std::get<Hello>(*message).answer);
    CHECK_FALSE(handshake.take(at(due), 0, kReceiving));
  }
}

TEST_CASE("a message of the peer, and the end of the backoff, make HELLO as frequent as at first") {
  Handshake handshake(kSelf);
  for (const Nanoseconds due : {0ms, 500ms, 1000ms, 2000ms}) REQUIRE(handshake.take(at(due), 0, kReceiving));
  handshake.note_received();
  CHECK(handshake.hello_deadline() == 2000ms + kHelloInterval);
  handshake.end_backoff();
  REQUIRE(handshake.take(at(2500ms), 0, kReceiving));
  CHECK(handshake.hello_deadline() == 2500ms + kHelloInterval);
}

TEST_CASE("a WELCOME ends the attempt that it answers, and each restart begins the next one with a HELLO") {
  Handshake handshake = introduced();
  CHECK_FALSE(handshake.is_complete());
  CHECK_FALSE(handshake.is_answered_by(welcome(0)));
  REQUIRE(handshake.is_answered_by(welcome(1)));
  handshake.complete(77);
  CHECK(handshake.is_complete());
  CHECK(handshake.hello_deadline() == Nanoseconds::max());
  CHECK_FALSE(handshake.is_answered_by(welcome(1)));  // a second answer to the same HELLO
  const Batch batch = handshake.batch(3, 5, 4);
  CHECK(batch.attempt == 2);
  CHECK(batch.run == 77);
  CHECK(batch.from == 3);
  CHECK(batch.to == 5);
  CHECK(batch.written == 4);
  CHECK(batch.incarnations == Incarnations{kSelf.incarnation, kPeer});
  handshake.restart(10s);
  CHECK_FALSE(handshake.is_complete());
  CHECK_FALSE(handshake.take(at(10s - 1ns), 0, kReceiving));
  const auto message = handshake.take(at(10s), 0, kReceiving);
  REQUIRE(message);
  CHECK(std::get<Hello>(*message).attempt == 3);
  handshake.check_invariants();
}

TEST_CASE(
    "a HELLO is answered by a HELLO and a WELCOME with the position in the peer's feed, an answer by WELCOME alone") {
  for (const bool answer : {false, true}) {
    Handshake handshake = introduced();
    Hello hello;
    hello.attempt = 8;
    hello.answer = answer;
    handshake.receive(hello);
    CHECK(handshake.owes_message());
    if (!answer) {
      const auto first = handshake.take(at(1ms), 0, kReceiving);
      REQUIRE(first);
      CHECK(std::get<Hello>(*first).answer);
    }
    const auto message = handshake.take(at(1ms), 0, kReceiving);
    REQUIRE(message);
    const Welcome& sent = std::get<Welcome>(*message);
    CHECK(sent.incarnations == Incarnations{kSelf.incarnation, kPeer});
    CHECK(sent.feed_id == 201);
    CHECK(sent.cursor == 40);
    CHECK(sent.run == kPeer);
    CHECK(sent.written == 33);
    CHECK(sent.attempt == 8);
    CHECK_FALSE(handshake.owes_message());
  }
}

TEST_CASE("a WELCOME that is owed to several messages answers the highest attempt") {
  Handshake handshake = introduced();
  for (const std::uint64_t attempt : {5U, 7U, 6U}) handshake.owe_welcome(attempt);
  const auto message = handshake.take(at(1ms), 0, kReceiving);
  REQUIRE(message);
  CHECK(std::get<Welcome>(*message).attempt == 7);
}

TEST_CASE("a WELCOME of other incarnations or for another feed is not accepted, and owes a HELLO every 50 ms at most") {
  const Welcome wrong[] = {{{kPeer + 1, kSelf.incarnation}, kSelf.feed_id, 0, 1, 0, 0},
                           {{kPeer, kSelf.incarnation + 1}, kSelf.feed_id, 0, 1, 0, 0},
                           {{kPeer, kSelf.incarnation}, kSelf.feed_id + 1, 0, 1, 0, 0}};
  for (const Welcome& other : wrong) {
    Handshake handshake = introduced();
    handshake.complete(0);
    CHECK_FALSE(handshake.accepts(other, at(kHelloSpacing - 1ns)));
    CHECK_FALSE(handshake.owes_message());
    CHECK_FALSE(handshake.accepts(other, at(kHelloSpacing)));
    CHECK(handshake.owes_message());
    CHECK(handshake.accepts(welcome(1), at(kHelloSpacing)));
  }
}

TEST_CASE("nothing is owed to a peer that has stopped, and no WELCOME to a former incarnation") {
  Handshake handshake = introduced();
  handshake.receive(Hello{});
  handshake.request_hello();
  handshake.stopped();
  CHECK_FALSE(handshake.owes_message());
  handshake.owe_welcome(1);
  handshake.begin_incarnation(kPeer + 1);
  CHECK_FALSE(handshake.owes_message());
  CHECK(handshake.is_current({kPeer + 1, kSelf.incarnation}));
  CHECK_FALSE(handshake.is_current({kPeer, kSelf.incarnation}));
}

TEST_CASE("a requested HELLO does not end the attempt") {
  Handshake handshake = introduced();
  handshake.complete(0);
  handshake.request_hello();
  const auto message = handshake.take(at(1ms), 0, kReceiving);
  REQUIRE(message);
  CHECK(std::get<Hello>(*message).attempt == 2);
  CHECK(handshake.is_complete());
  CHECK(handshake.is_answered_by(welcome(2)));
}
