#include "bus/link/link.hpp"

#include "tests/bus/one_link.hpp"
#include "tests/catch.hpp"

// The handshake, incarnations, PING and the state of a link. Batches are tested in link_stream_test.cpp.

using namespace herd::bus;
using namespace herd::protocol;
using namespace std::chrono_literals;

TEST_CASE("HELLO is repeated every 500 ms, and backs off to 2 s, until a WELCOME comes") {
  OneLink one;
  std::vector<Nanoseconds> intervals;
  Nanoseconds last = one.now.steady;
  for (int hellos = 0; hellos < 7; ++hellos) {
    CHECK(one.link.send_deadline() <= one.now.steady);
    const auto messages = one.messages();
    REQUIRE(messages.size() == 1);
    const auto* hello = one_of<Hello>(messages);
    REQUIRE(hello);
    CHECK(hello->attempt == 1);
    CHECK_FALSE(hello->answer);
    intervals.push_back(one.now.steady - last);
    last = one.now.steady;
    REQUIRE(one.link.send_deadline() < last + 1h);
    one.advance(one.link.send_deadline() - one.now.steady - 1ns);
    CHECK(one.messages().empty());
    one.advance(1ns);
  }
  CHECK(intervals == std::vector<Nanoseconds>{0s, 500ms, 500ms, 1s, 2s, 2s, 2s});
}

TEST_CASE("HELLO does not back off while messages come from the peer, and is sent at once when they come again") {
  OneLink one;
  one.hello();
  for (int hellos = 0; hellos < 6; ++hellos) {  // the peer is frozen: no message comes, and HELLO backs off
    (void)one.messages();
    REQUIRE(one.link.send_deadline() < one.now.steady + 1h);
    one.advance(one.link.send_deadline() - one.now.steady);
  }
  (void)one.messages();
  one.advance(700ms);
  CHECK(one.messages().empty());
  one.link.receive(Ping{1, {}}, one.now);
  CHECK(one_of<Hello>(one.messages()));
  one.advance(400ms);
  one.link.receive(Ping{2, {}}, one.now);
  CHECK_FALSE(one_of<Hello>(one.messages()));  // not more often than every 500 ms
  one.advance(100ms);
  CHECK(one_of<Hello>(one.messages()));
}

TEST_CASE("a HELLO names this node, its incarnation, its feed and the tail") {
  OneLink one;
  one.fill(5);
  const auto messages = one.messages();
  const auto* hello = one_of<Hello>(messages);
  REQUIRE(hello);
  CHECK(hello->herd == "herd");
  CHECK(hello->node == "Hill");
  CHECK(hello->incarnation == kOurIncarnation);
  CHECK(hello->feed_id == kOurFeed);
  CHECK(hello->clock == one.now.wall);
  CHECK(hello->tail == 5);
}

TEST_CASE("nothing but HELLO is sent before the peer's first HELLO") {
  OneLink one;
  one.fill(5);
  const auto messages = one.messages();
  REQUIRE(messages.size() == 1);
  CHECK(std::holds_alternative<Hello>(messages[0]));
  CHECK_FALSE(one.send());
  one.advance(3s);
  CHECK(one.messages().size() == 1);
  CHECK_FALSE(one.send());
}

TEST_CASE("a HELLO is answered with HELLO, marked as an answer, and WELCOME") {
  OneLink one;
  (void)one.messages();
  Hello hello = one.peers_hello();
  hello.attempt = 42;
  one.link.receive(hello, one.now, one.tail());
  const auto messages = one.messages();
  REQUIRE(messages.size() == 3);
  CHECK_FALSE(std::get<Hello>(messages[0]).answer);  // HELLO is sent to a new incarnation at once
  CHECK(std::get<Hello>(messages[1]).answer);
  const auto& welcome = std::get<Welcome>(messages[2]);
  CHECK(welcome.incarnations == Incarnations{kOurIncarnation, kPeerIncarnation});
  CHECK(welcome.feed_id == kPeerFeed);
  CHECK(welcome.cursor == 0);
  CHECK(welcome.attempt == 42);
}

TEST_CASE(
    "an answer to a HELLO is answered with WELCOME alone, so that two nodes do not answer each other without end") {
  OneLink one;
  one.open();
  Hello hello = one.peers_hello();
  hello.answer = true;
  one.link.receive(hello, one.now, one.tail());
  const auto messages = one.messages();
  REQUIRE(messages.size() == 1);
  CHECK(std::holds_alternative<Welcome>(messages[0]));
}

TEST_CASE("an answer that is owed twice is sent once") {
  OneLink one;
  one.open();
  for (int i = 0; i < 10; ++i) {
    one.hello();
    one.batch(0, 5);
    one.link.receive(Ping{7, {}}, one.now);
  }
  CHECK(one.messages().size() == 4);
}

TEST_CASE("a lone batch is acknowledged after ack_delay, which send_deadline() reports, and a second one at once") {
  OneLink one({.ack_delay = 1ms});
  one.open();
  REQUIRE(one.batch(0, 5));
  CHECK_FALSE(one.link.wants_to_send(one.now, one.tail()));
  CHECK(one.messages().empty());
  CHECK(one.link.send_deadline() == one.now.steady + 1ms);
  one.advance(1ms);
  CHECK(one.link.wants_to_send(one.now, one.tail()));
  const auto messages = one.messages();
  REQUIRE(one_of<Ack>(messages));
  CHECK(one_of<Ack>(messages)->merged == 5);
  CHECK(one.link.send_deadline() > one.now.steady + 1ms);
  REQUIRE(one.batch(5, 6));
  CHECK(one.messages().empty());
  REQUIRE(one.batch(6, 7));
  CHECK(one.link.wants_to_send(one.now, one.tail()));
  const auto both = one.messages();
  REQUIRE(one_of<Ack>(both));
  CHECK(one_of<Ack>(both)->merged == 7);
}

TEST_CASE("a delayed ACK is due also when the stream has stopped") {
  OneLink one({.ack_delay = 1ms});
  one.hello();
  (void)one.messages();
  REQUIRE(one.batch(0, 5));
  CHECK(one.link.send_deadline() == one.now.steady + 1ms);
}

TEST_CASE("a WELCOME states how far the peer's feed is merged here") {
  OneLink one;
  one.open();
  one.batch(0, 40);
  one.hello();  // late, after the batch: its tail is older
  const auto messages = one.messages();
  REQUIRE(one_of<Welcome>(messages));
  CHECK(one_of<Welcome>(messages)->cursor == 40);
}

TEST_CASE("a feed with a new id, or a former one that comes back, is read from the beginning") {
  OneLink one;
  one.open();
  one.batch(0, 40);
  for (const std::uint64_t feed : {std::uint64_t{999}, kPeerFeed}) {
    one.hello(kPeerIncarnation, feed);
    const auto messages = one.messages();
    REQUIRE(one_of<Welcome>(messages));
    CHECK(one_of<Welcome>(messages)->feed_id == feed);
    CHECK(one_of<Welcome>(messages)->cursor == 0);
    one.batch(0, 40);
  }
}

TEST_CASE("a new incarnation of the peer with the same feed id gets a WELCOME with the old cursor") {
  OneLink one;
  one.open();
  one.batch(0, 40);
  Hello hello = one.peers_hello(kPeerIncarnation + 1, kPeerFeed);
  hello.tail = 40;
  one.link.receive(hello, one.now, one.tail());
  const auto messages = one.messages();
  REQUIRE(one_of<Welcome>(messages));
  CHECK(one_of<Welcome>(messages)->incarnations == Incarnations{kOurIncarnation, kPeerIncarnation + 1});
  CHECK(one_of<Welcome>(messages)->cursor == 40);
}

TEST_CASE("a new incarnation of the peer voids what the former one acknowledged, until its WELCOME") {
  OneLink one;
  one.fill(10);
  one.open();
  REQUIRE(one.send());
  one.ack(10);
  one.batch(0, 3);
  one.link.receive(Ping{7, {}}, one.now);
  REQUIRE(one.link.sending().cursors().merged == 10);
  one.hello(kPeerIncarnation + 1, 999);
  CHECK(one.link.sending().cursors().merged == 0);
  CHECK(one.link.sending().cursors().durable == 0);
  CHECK(one.link.sending().in_flight() == 0);
  CHECK(one.link.handshake().peer_incarnation() == kPeerIncarnation + 1);
  CHECK_FALSE(one.send());
  const auto messages = one.messages();
  CHECK(messages.size() ==
        3);  // HELLO, HELLO as an answer, WELCOME: answers owed to the former incarnation are dropped
  CHECK_FALSE(one_of<Ack>(messages));
  one.welcome(4, one_of<Hello>(messages)->attempt, kPeerIncarnation + 1);
  CHECK(one.link.sending().cursors().merged == 4);
  CHECK(one.send()->batch.from == 4);
}

TEST_CASE("a batch and an ACK of or for another incarnation are not used, and are answered with WELCOME") {
  for (const Incarnations incarnations : {Incarnations{kPeerIncarnation + 1, kOurIncarnation},
                                          Incarnations{kPeerIncarnation, kOurIncarnation + 1}, Incarnations{0, 0}}) {
    OneLink one;
    one.fill(10);
    one.open();
    REQUIRE(one.send());
    CHECK_FALSE(one.link.accepts(Batch{incarnations, 5, 0, 9, 0, 0}, one.now));
    auto messages = one.messages();
    REQUIRE(messages.size() == 1);
    REQUIRE(one_of<Welcome>(messages));
    CHECK(one_of<Welcome>(messages)->cursor == 0);
    CHECK(one_of<Welcome>(messages)->attempt == 5);
    CHECK(one_of<Welcome>(messages)->incarnations == Incarnations{kOurIncarnation, kPeerIncarnation});
    CHECK(one.link.receive(Ack{incarnations, 6, 10, 0}, one.now, one.tail()) == CursorClaim::Possible);
    CHECK(one.link.sending().cursors().merged == 0);
    messages = one.messages();
    REQUIRE(messages.size() == 1);
    REQUIRE(one_of<Welcome>(messages));
    CHECK(one_of<Welcome>(messages)->attempt == 6);
  }
}

TEST_CASE("a WELCOME of or for another incarnation is not used, and is answered with HELLO, at most every 50 ms") {
  const Welcome wrong[] = {{{kPeerIncarnation + 1, kOurIncarnation}, kOurFeed, 5, 1, kOurIncarnation, 0},
                           {{kPeerIncarnation, kOurIncarnation + 1}, kOurFeed, 5, 1, kOurIncarnation, 0},
                           {{kPeerIncarnation, kOurIncarnation}, kOurFeed + 1, 5, 1, kOurIncarnation, 0}};
  for (const Welcome& welcome : wrong) {
    OneLink one;
    one.fill(10);
    one.open();
    one.advance(kHelloSpacing);
    CHECK(one.link.receive(welcome, one.now, one.our_feed()) == CursorClaim::Possible);
    CHECK(one.link.sending().cursors().merged == 0);
    CHECK(one_of<Hello>(one.messages()));
    one.advance(kHelloSpacing - 1ns);
    CHECK(one.link.receive(welcome, one.now, one.our_feed()) == CursorClaim::Possible);
    CHECK(one.messages().empty());
    one.advance(1ns);
    CHECK(one.link.receive(welcome, one.now, one.our_feed()) == CursorClaim::Possible);
    CHECK(one_of<Hello>(one.messages()));
  }
}

TEST_CASE("a BYE ends the incarnation that it names, and no other") {
  OneLink one;
  one.open();
  one.batch(0, 5);
  one.link.receive(Bye{kPeerIncarnation + 1}, one.now);
  CHECK(one.link.connected(one.now) == Connected::Up);
  one.link.receive(Bye{kPeerIncarnation}, one.now);
  CHECK(one.link.connected(one.now) == Connected::Down);
  CHECK(one.messages().empty());  // owed answers are dropped
  one.advance(kHelloInterval);
  CHECK(one_of<Hello>(one.messages()));
}

TEST_CASE("a link is up while the peer answers, half while it only sends, and down otherwise") {
  OneLink one;
  CHECK(one.link.connected(one.now) == Connected::Down);
  one.hello();
  CHECK(one.link.connected(one.now) == Connected::Down);  // it had no time to answer yet
  one.advance(kSilence);
  one.hello();
  CHECK(one.link.connected(one.now) == Connected::Down);
  one.advance(1ns);
  CHECK(one.link.connected(one.now) == Connected::Half);
  one.welcome(0, one.hello_attempt());
  CHECK(one.link.connected(one.now) == Connected::Up);
  one.advance(kSilence);
  one.link.receive(Ping{1, {}}, one.now);
  CHECK(one.link.connected(one.now) == Connected::Up);
  one.advance(1ns);
  CHECK(one.link.connected(one.now) == Connected::Half);
  one.advance(kSilence - 1ns);
  CHECK(one.link.connected(one.now) == Connected::Half);
  one.advance(1ns);
  CHECK(one.link.connected(one.now) == Connected::Down);
}

TEST_CASE("the deadline of a tick is when a link's state changes, and is never in the past") {
  OneLink one;
  CHECK(one.link.tick_deadline(one.now) == Nanoseconds::max());
  one.hello();
  for (int steps = 0; one.link.tick_deadline(one.now) != Nanoseconds::max(); ++steps) {
    REQUIRE(steps < 10);
    const Connected before = one.link.connected(one.now);
    const Nanoseconds deadline = one.link.tick_deadline(one.now);
    REQUIRE(deadline > one.now.steady);
    one.advance(deadline - one.now.steady - 1ns);
    CHECK(one.link.connected(one.now) == before);
    one.advance(1ns);
  }
  CHECK(one.link.connected(one.now) == Connected::Down);
}

TEST_CASE("a PING is answered with its nonce and our clock") {
  OneLink one;
  one.open();
  one.link.receive(Ping{77, {}}, one.now);
  const auto messages = one.messages();
  REQUIRE(messages.size() == 1);
  CHECK(std::get<Pong>(messages[0]).nonce == 77);
  CHECK(std::get<Pong>(messages[0]).clock == one.now.wall);
}

TEST_CASE("PINGs measure the round trip and the skew of the clocks, once per second") {
  OneLink one;
  one.open();
  one.advance(kPingInterval - 1ns);
  CHECK(one.messages().empty());
  one.advance(1ns);
  const auto messages = one.messages();
  REQUIRE(one_of<Ping>(messages));
  one.advance(20ms);
  one.link.receive(Pong{one_of<Ping>(messages)->nonce + 1, one.now.wall + 1h}, one.now);  // with the wrong nonce
  CHECK(one.link.round_trip().skew() < 1h);
  one.link.receive(Pong{one_of<Ping>(messages)->nonce, one.now.wall - 10ms + 5s}, one.now);
  CHECK(one.link.round_trip().skew() == 5s);
  CHECK(one.link.round_trip().average() > 0ns);
  CHECK(one.link.round_trip().average() <= 20ms);
}

TEST_CASE("a PING without an answer ends the stream, because an idle link's peer may take us for a stranger") {
  OneLink one;
  one.open();
  one.advance(kPingInterval);
  REQUIRE(one_of<Ping>(one.messages()));
  const Nanoseconds deadline = one.link.tick_deadline(one.now);
  one.advance(deadline - one.now.steady - 1ns);
  CHECK(one.messages().empty());
  one.advance(1ns);
  CHECK(one.link.round_trip().timeouts() == 1);
  CHECK(one_of<Hello>(one.messages()));
}

TEST_CASE("a peer's clock may have any value") {
  for (const Nanoseconds clock : {Nanoseconds::min(), Nanoseconds::max()}) {
    OneLink one;
    Hello hello = one.peers_hello();
    hello.clock = clock;
    one.link.receive(hello, one.now, one.tail());
    CHECK((one.link.round_trip().skew() > 0ns) == (clock > 0ns));
    one.welcome(0, one.hello_attempt());
    const auto messages = one.messages();
    REQUIRE(one_of<Ping>(messages));
    one.advance(1ms);
    one.link.receive(Pong{one_of<Ping>(messages)->nonce, clock}, one.now);
    CHECK((one.link.round_trip().skew() > 0ns) == (clock > 0ns));
  }
}

TEST_CASE("a link is synchronised when everything is merged that the peer's feed contained at its first HELLO") {
  OneLink one;
  CHECK_FALSE(one.link.receiving().synchronised());
  Hello hello = one.peers_hello();
  hello.tail = 10;
  one.link.receive(hello, one.now, one.tail());
  CHECK_FALSE(one.link.receiving().synchronised());
  one.batch(0, 9);
  CHECK_FALSE(one.link.receiving().synchronised());
  one.batch(9, 10);
  CHECK(one.link.receiving().synchronised());
  hello.tail = 20;
  one.link.receive(hello, one.now, one.tail());
  CHECK(one.link.receiving().synchronised());
}
