// Positions in a feed on one link: which ones prove that a journal is not the newest of its feed, and which run a
// position names. Whole replicas that renew their feeds are in tests/bus/replica/renewal_test.cpp.
#include <string>
#include <utility>

#include "tests/bus/one_link.hpp"
#include "tests/catch.hpp"

using namespace herd::bus;
using namespace herd::protocol;

TEST_CASE("an ACK above the tail is foreign, and one at the tail is not") {
  OneLink one;
  one.fill(10);
  one.open();
  REQUIRE(one.send());
  CHECK(one.ack(11) == CursorClaim::Foreign);
  CHECK(one.link.sending().cursors().merged == 0);
  CHECK(one.ack(10) == CursorClaim::Possible);
  CHECK(one.link.sending().cursors().merged == 10);
}

TEST_CASE("an impossible cursor is not used: no batch is sent after it") {
  OneLink one;
  one.fill(10);
  one.hello();
  const std::uint64_t attempt = one.hello_attempt();
  CHECK(one.welcome(11, attempt) == CursorClaim::Foreign);
  CHECK(one.welcome(5, attempt, kPeerIncarnation, kOurIncarnation + 1) == CursorClaim::Foreign);
  CHECK_FALSE(one.send());
  CHECK(one.link.sending().cursors().merged == 0);
  CHECK(one.welcome(10, attempt) == CursorClaim::Possible);
}

TEST_CASE("on a link of a renewed feed nothing is acknowledged, durable or proven") {
  OneLink one;
  one.fill(3);
  one.open();
  REQUIRE(one.send());
  REQUIRE(one.ack(3, 1, 3) == CursorClaim::Possible);
  REQUIRE(one.link.sending().proven() == 3);
  one.link.begin_feed(one.now);
  CHECK(one.link.sending().proven() == 0);
  CHECK(one.link.sending().cursors().merged == 0);
  CHECK(one.link.sending().cursors().durable == 0);
  CHECK_FALSE(one.send());
  CHECK(one_of<Hello>(one.messages()));
}

TEST_CASE("a batch moves the cursor only if that names the sender's run or the run that its WELCOME named") {
  OneLink one;
  one.open();
  REQUIRE(one.batch(0, 40));
  one.hello(kPeerIncarnation + 1);  // the lost run
  const Incarnations lost{kPeerIncarnation + 1, kOurIncarnation};
  one.link.merged(Batch{lost, 1, 40, 60, kPeerIncarnation, 55});
  one.hello(kPeerIncarnation + 2);
  (void)one.messages();
  const Incarnations present{kPeerIncarnation + 2, kOurIncarnation};
  one.link.merged(Batch{present, 1, 40, 50, kPeerIncarnation, 45});  // answers an old WELCOME
  auto messages = one.messages();
  REQUIRE(one_of<Welcome>(messages));
  CHECK(one_of<Welcome>(messages)->cursor == 60);
  CHECK(one_of<Welcome>(messages)->run == kPeerIncarnation + 1);
  CHECK(one_of<Welcome>(messages)->written == 55);
  one.link.merged(Batch{present, 2, 60, 70, kPeerIncarnation + 1, 50});
  one.link.merged(Batch{present, 2, 70, 80, kPeerIncarnation + 1, 49});
  one.hello(kPeerIncarnation + 2);
  messages = one.messages();
  CHECK(one_of<Welcome>(messages)->cursor == 80);
  CHECK(one_of<Welcome>(messages)->run == kPeerIncarnation + 2);
  CHECK(one_of<Welcome>(messages)->written == 50);
}

TEST_CASE("a batch that ends below the cursor does not change the run of the position") {
  OneLink one;
  one.open();
  REQUIRE(one.batch(0, 40));
  one.hello(kPeerIncarnation + 1);
  one.link.merged(Batch{{kPeerIncarnation + 1, kOurIncarnation}, 1, 20, 30, kPeerIncarnation, 0});
  const auto messages = one.messages();
  REQUIRE(one_of<Welcome>(messages));
  CHECK(one_of<Welcome>(messages)->run == kPeerIncarnation);
}

TEST_CASE("a batch names the run of the WELCOME that it answers, and how far the journal has written") {
  OneLink one;
  one.written = 1;
  one.fill(3);
  one.runs.begin({kOurIncarnation + 1, 3});
  one.open(2);  // of the run kOurIncarnation
  const auto sent = one.send();
  REQUIRE(sent);
  CHECK(sent->batch.run == kOurIncarnation);
  CHECK(sent->batch.written == 1);
}

TEST_CASE("a cursor without a run in a journal counts as 0") {
  for (const std::uint64_t run : {std::uint64_t{0}, kPeerIncarnation}) {
    OneLink one({}, {"Smith", kPeerFeed, {5, run}});
    one.hello();
    const auto messages = one.messages();
    REQUIRE(one_of<Welcome>(messages));
    CHECK(one_of<Welcome>(messages)->cursor == (run == 0 ? 0 : 5));
    CHECK(one_of<Welcome>(messages)->run == run);
  }
}

TEST_CASE("a flushed cursor counts only for a position of the same run") {
  OneLink one({.prompt_durable = true});
  one.open();
  REQUIRE(one.batch(0, 5));
  for (const std::uint64_t run : {kPeerIncarnation + 1, kPeerIncarnation}) {
    one.link.receiving().durable({"Smith", kPeerFeed, {5, run}});
    const auto messages = one.messages();
    REQUIRE(one_of<Ack>(messages));
    CHECK(one_of<Ack>(messages)->durable == (run == kPeerIncarnation ? 5 : 0));
    REQUIRE(one.batch(5, 5));
  }
}
