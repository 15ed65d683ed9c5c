#include "bus/link/link.hpp"

#include "tests/bus/one_link.hpp"
#include "tests/catch.hpp"

// How a link begins, goes on and ends. What flows over it is in link_stream_test.cpp.

using namespace herd::bus;
using namespace herd::protocol;
using namespace std::chrono_literals;

TEST_CASE("HELLO is repeated every 500 ms, and backs off to 2 s, until a WELCOME comes") {
  OneLink one;
  std::vector<Nanoseconds> pauses;
  Nanoseconds last = one.now.steady;
  for (int hellos = 0; hellos < 7; ++hellos) {
    CHECK(one.link.send_deadline() <= one.now.steady);
    const auto said = one.messages();
    REQUIRE(said.size() == 1);
    const auto* hello = one_of<Hello>(said);
    REQUIRE(hello);
    CHECK(hello->attempt == 1);
    CHECK_FALSE(hello->answer);
    pauses.push_back(one.now.steady - last);
    last = one.now.steady;
    REQUIRE(one.link.send_deadline() < last + 1h);
    one.advance(one.link.send_deadline() - one.now.steady - 1ns);
    CHECK(one.messages().empty());
    one.advance(1ns);
  }
  CHECK(pauses == std::vector<Nanoseconds>{0s, 500ms, 500ms, 1s, 2s, 2s, 2s});
}

TEST_CASE(
    "HELLO does not back off while the peer is heard, and is said at once when one that was silent is heard again") {
  OneLink one;
  one.hello();
  for (int hellos = 0; hellos < 6; ++hellos) {  // it was frozen: nothing is heard, and HELLO backs off
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

TEST_CASE("a HELLO says who we are") {
  OneLink one;
  one.fill(5);
  const auto said = one.messages();
  const auto* hello = one_of<Hello>(said);
  REQUIRE(hello);
  CHECK(hello->herd == "herd");
  CHECK(hello->node == "Hill");
  CHECK(hello->incarnation == kOurIncarnation);
  CHECK(hello->feed_id == kOurFeed);
  CHECK(hello->clock == one.now.wall);
  CHECK(hello->tail == 5);
}

TEST_CASE("nothing but HELLO is said before the peer's first") {
  OneLink one;
  one.fill(5);
  const auto said = one.messages();
  REQUIRE(said.size() == 1);
  CHECK(std::holds_alternative<Hello>(said[0]));
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
  const auto said = one.messages();
  REQUIRE(said.size() == 3);
  CHECK_FALSE(std::get<Hello>(said[0]).answer);  // a new life is greeted at once
  CHECK(std::get<Hello>(said[1]).answer);
  const auto& welcome = std::get<Welcome>(said[2]);
  CHECK(welcome.incarnations == Incarnations{kOurIncarnation, kPeerIncarnation});
  CHECK(welcome.feed_id == kPeerFeed);
  CHECK(welcome.cursor == 0);
  CHECK(welcome.attempt == 42);
}

TEST_CASE("an answer to a HELLO is answered with WELCOME alone, so that two nodes do not answer each other for ever") {
  OneLink one;
  one.open();
  Hello hello = one.peers_hello();
  hello.answer = true;
  one.link.receive(hello, one.now, one.tail());
  const auto said = one.messages();
  REQUIRE(said.size() == 1);
  CHECK(std::holds_alternative<Welcome>(said[0]));
}

TEST_CASE("what is owed twice is said once") {
  OneLink one;
  one.open();
  for (int i = 0; i < 10; ++i) {
    one.hello();
    one.batch(0, 5);
    one.link.receive(Ping{7, {}}, one.now);
  }
  CHECK(one.messages().size() == 4);
}

TEST_CASE("a lone batch is acknowledged a little later, with the deadline told, and a second one at once") {
  OneLink one({.ack_delay = 1ms});
  one.open();
  REQUIRE(one.batch(0, 5));
  CHECK_FALSE(one.link.wants_to_send(one.now, one.tail()));
  CHECK(one.messages().empty());
  CHECK(one.link.send_deadline() == one.now.steady + 1ms);
  one.advance(1ms);
  CHECK(one.link.wants_to_send(one.now, one.tail()));
  const auto said = one.messages();
  REQUIRE(one_of<Ack>(said));
  CHECK(one_of<Ack>(said)->merged == 5);
  CHECK(one.link.send_deadline() > one.now.steady + 1ms);
  REQUIRE(one.batch(5, 6));
  CHECK(one.messages().empty());
  REQUIRE(one.batch(6, 7));
  CHECK(one.link.wants_to_send(one.now, one.tail()));
  const auto both = one.messages();
  REQUIRE(one_of<Ack>(both));
  CHECK(one_of<Ack>(both)->merged == 7);
}

TEST_CASE("an acknowledgement that waits is due also where the stream has stopped") {
  OneLink one({.ack_delay = 1ms});
  one.hello();
  (void)one.messages();
  REQUIRE(one.batch(0, 5));
  CHECK(one.link.send_deadline() == one.now.steady + 1ms);
}

TEST_CASE("a WELCOME says how far the peer's feed is merged here") {
  OneLink one;
  one.open();
  one.batch(0, 40);
  one.hello();  // overtaken by the batch: its tail is older
  const auto said = one.messages();
  REQUIRE(one_of<Welcome>(said));
  CHECK(one_of<Welcome>(said)->cursor == 40);
}

TEST_CASE("a feed id that is new, or comes back, is read from the beginning") {
  OneLink one;
  one.open();
  one.batch(0, 40);
  for (const std::uint64_t feed : {std::uint64_t{999}, kPeerFeed}) {
    one.hello(kPeerIncarnation, feed);
    const auto said = one.messages();
    REQUIRE(one_of<Welcome>(said));
    CHECK(one_of<Welcome>(said)->feed_id == feed);
    CHECK(one_of<Welcome>(said)->cursor == 0);
    one.batch(0, 40);
  }
}

TEST_CASE("a life of the peer that goes on with its feed is told where it was") {
  OneLink one;
  one.open();
  one.batch(0, 40);
  Hello hello = one.peers_hello(kPeerIncarnation + 1, kPeerFeed);
  hello.tail = 40;
  one.link.receive(hello, one.now, one.tail());
  const auto said = one.messages();
  REQUIRE(one_of<Welcome>(said));
  CHECK(one_of<Welcome>(said)->incarnations == Incarnations{kOurIncarnation, kPeerIncarnation + 1});
  CHECK(one_of<Welcome>(said)->cursor == 40);
}

TEST_CASE("a new life of the peer voids what the link knew, until its WELCOME") {
  OneLink one;
  one.fill(10);
  one.open();
  REQUIRE(one.send());
  one.ack(10);
  one.batch(0, 3);
  one.link.receive(Ping{7, {}}, one.now);
  REQUIRE(one.link.cursors().merged == 10);
  one.hello(kPeerIncarnation + 1, 999);
  CHECK(one.link.cursors().merged == 0);
  CHECK(one.link.cursors().durable == 0);
  CHECK(one.link.in_flight() == 0);
  CHECK(one.link.peer_incarnation() == kPeerIncarnation + 1);
  CHECK_FALSE(one.send());
  const auto said = one.messages();
  CHECK(said.size() == 3);  // HELLO, HELLO as an answer, WELCOME: what the former life was owed is not said
  CHECK_FALSE(one_of<Ack>(said));
  one.welcome(4, one_of<Hello>(said)->attempt, kPeerIncarnation + 1);
  CHECK(one.link.cursors().merged == 4);
  CHECK(one.send()->batch.from == 4);
}

TEST_CASE("a batch and an ACK of or for another life are not used, and are answered with WELCOME") {
  for (const Incarnations incarnations : {Incarnations{kPeerIncarnation + 1, kOurIncarnation},
                                          Incarnations{kPeerIncarnation, kOurIncarnation + 1}, Incarnations{0, 0}}) {
    OneLink one;
    one.fill(10);
    one.open();
    REQUIRE(one.send());
    CHECK_FALSE(one.link.accepts(Batch{incarnations, 5, 0, 9, 0, 0}, one.now));
    auto said = one.messages();
    REQUIRE(said.size() == 1);
    REQUIRE(one_of<Welcome>(said));
    CHECK(one_of<Welcome>(said)->cursor == 0);
    CHECK(one_of<Welcome>(said)->attempt == 5);
    CHECK(one_of<Welcome>(said)->incarnations == Incarnations{kOurIncarnation, kPeerIncarnation});
    CHECK(one.link.receive(Ack{incarnations, 6, 10, 0}, one.now, one.tail()) == CursorClaim::Possible);
    CHECK(one.link.cursors().merged == 0);
    said = one.messages();
    REQUIRE(said.size() == 1);
    REQUIRE(one_of<Welcome>(said));
    CHECK(one_of<Welcome>(said)->attempt == 6);
  }
}

TEST_CASE("a WELCOME of or for another life is not used, and is answered with HELLO, at most every 50 ms") {
  const Welcome wrong[] = {{{kPeerIncarnation + 1, kOurIncarnation}, kOurFeed, 5, 1, kOurIncarnation, 0},
                           {{kPeerIncarnation, kOurIncarnation + 1}, kOurFeed, 5, 1, kOurIncarnation, 0},
                           {{kPeerIncarnation, kOurIncarnation}, kOurFeed + 1, 5, 1, kOurIncarnation, 0}};
  for (const Welcome& welcome : wrong) {
    OneLink one;
    one.fill(10);
    one.open();
    one.advance(kHelloSpacing);
    CHECK(one.link.receive(welcome, one.now, one.our_feed()) == CursorClaim::Possible);
    CHECK(one.link.cursors().merged == 0);
    CHECK(one_of<Hello>(one.messages()));
    one.advance(kHelloSpacing - 1ns);
    CHECK(one.link.receive(welcome, one.now, one.our_feed()) == CursorClaim::Possible);
    CHECK(one.messages().empty());
    one.advance(1ns);
    CHECK(one.link.receive(welcome, one.now, one.our_feed()) == CursorClaim::Possible);
    CHECK(one_of<Hello>(one.messages()));
  }
}

TEST_CASE("a BYE ends the life it names, and no other") {
  OneLink one;
  one.open();
  one.batch(0, 5);
  one.link.receive(Bye{kPeerIncarnation + 1}, one.now);
  CHECK(one.link.connected(one.now) == Connected::Up);
  one.link.receive(Bye{kPeerIncarnation}, one.now);
  CHECK(one.link.connected(one.now) == Connected::Down);
  CHECK(one.messages().empty());  // nothing is owed to who is gone
  one.advance(kHelloInterval);
  CHECK(one_of<Hello>(one.messages()));
}

TEST_CASE("a link is up while the peer answers, half while it is only heard, and down otherwise") {
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

TEST_CASE("the deadline of a tick is when a link's state changes, and never lies in the past") {
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
  const auto said = one.messages();
  REQUIRE(said.size() == 1);
  CHECK(std::get<Pong>(said[0]).nonce == 77);
  CHECK(std::get<Pong>(said[0]).clock == one.now.wall);
}

TEST_CASE("PINGs measure the round trip and the skew of the clocks, once a second") {
  OneLink one;
  one.open();
  one.advance(kPingInterval - 1ns);
  CHECK(one.messages().empty());
  one.advance(1ns);
  const auto said = one.messages();
  REQUIRE(one_of<Ping>(said));
  one.advance(20ms);
  one.link.receive(Pong{one_of<Ping>(said)->nonce + 1, one.now.wall + 1h}, one.now);  // not to this one
  CHECK(one.link.skew() < 1h);
  one.link.receive(Pong{one_of<Ping>(said)->nonce, one.now.wall - 10ms + 5s}, one.now);
  CHECK(one.link.skew() == 5s);
  CHECK(one.link.round_trip() > 0ns);
  CHECK(one.link.round_trip() <= 20ms);
}

TEST_CASE("a PING without an answer ends the stream, for an idle link's peer may have lost us") {
  OneLink one;
  one.open();
  one.advance(kPingInterval);
  REQUIRE(one_of<Ping>(one.messages()));
  const Nanoseconds deadline = one.link.tick_deadline(one.now);
  one.advance(deadline - one.now.steady - 1ns);
  CHECK(one.messages().empty());
  one.advance(1ns);
  CHECK(one.link.timeouts() == 1);
  CHECK(one_of<Hello>(one.messages()));
}

TEST_CASE("a peer's clock may say anything") {
  for (const Nanoseconds clock : {Nanoseconds::min(), Nanoseconds::max()}) {
    OneLink one;
    Hello hello = one.peers_hello();
    hello.clock = clock;
    one.link.receive(hello, one.now, one.tail());
    CHECK((one.link.skew() > 0ns) == (clock > 0ns));
    one.welcome(0, one.hello_attempt());
    const auto said = one.messages();
    REQUIRE(one_of<Ping>(said));
    one.advance(1ms);
    one.link.receive(Pong{one_of<Ping>(said)->nonce, clock}, one.now);
    CHECK((one.link.skew() > 0ns) == (clock > 0ns));
  }
}

TEST_CASE("a link is synchronised when all is merged that the peer held at its first HELLO") {
  OneLink one;
  CHECK_FALSE(one.link.synchronised());
  Hello hello = one.peers_hello();
  hello.tail = 10;
  one.link.receive(hello, one.now, one.tail());
  CHECK_FALSE(one.link.synchronised());
  one.batch(0, 9);
  CHECK_FALSE(one.link.synchronised());
  one.batch(9, 10);
  CHECK(one.link.synchronised());
  hello.tail = 20;
  one.link.receive(hello, one.now, one.tail());
  CHECK(one.link.synchronised());
}
