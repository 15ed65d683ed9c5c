// Which records a batch contains, and which it leaves out for its peer.
#include <algorithm>

#include "tests/bus/one_link.hpp"
#include "tests/catch.hpp"

using namespace herd::bus;
using namespace herd::protocol;

namespace {

constexpr LinkLimits kSmall{.max_in_flight = 2, .max_batch = 4};

}  // namespace

TEST_CASE("an update is not sent back to the incarnation that it came from, but to all others") {
  OneLink one;
  one.open();
  one.move("theirs", kThisLink);
  one.move("another's", kThisLink + 1);
  one.move("ours");
  CHECK(one.send()->clients == std::vector<std::string>{"another's", "ours"});
}

TEST_CASE("a peer that sent an update and then lost its store gets the update back") {
  OneLink one;
  one.open();
  one.move("theirs", kThisLink);
  one.advance(kEmptyBatchDelay);
  (void)one.send();
  one.hello(kPeerIncarnation + 1);
  one.welcome(0, one.hello_attempt(), kPeerIncarnation + 1);
  const auto sent = one.send();
  REQUIRE(sent);
  CHECK(sent->clients == std::vector<std::string>{"theirs"});
  one.move("theirs", kThisLink);  // the new incarnation sent it itself
  CHECK_FALSE(one.send());
}

TEST_CASE("a feed range that leaves out a record for its peer is not shared with other links") {
  OneLink one;
  one.open();
  one.move("ours");
  auto range = one.link.sending().next_range(one.store, one.now, one.store.feed().tail());
  REQUIRE(range);
  CHECK(range->shareable);
  (void)one.link.send(range->to, one.tail(), 0, one.now);
  one.move("theirs", kThisLink);
  CHECK_FALSE(one.send());  // scanned and left out
  one.move("ours");
  range = one.link.sending().next_range(one.store, one.now, one.store.feed().tail());
  REQUIRE(range);
  CHECK_FALSE(range->shareable);
}

TEST_CASE("a lagging link fills half of each batch from the tail, without moving its cursor by that") {
  OneLink one(kSmall);
  one.fill(20);
  one.open();
  const auto sent = one.send();
  REQUIRE(sent);
  CHECK(sent->clients == std::vector<std::string>{"client0", "client1", "client18", "client19"});
  CHECK(sent->batch.to == 2);
  const auto next = one.send();
  REQUIRE(next);
  CHECK(next->clients == std::vector<std::string>{"client2", "client3"});  // the tail was sent already
  CHECK(next->batch.to == 4);
}

TEST_CASE("a link that does not lag sends in feed order only") {
  OneLink one(kSmall);
  one.fill(kSmall.max_in_flight * kSmall.max_batch);
  one.open();
  CHECK(one.send()->clients == std::vector<std::string>{"client0", "client1", "client2", "client3"});
}

TEST_CASE("a client that moves all the time is not starved by a lagging link") {
  OneLink one(kSmall);
  one.fill(1000);
  one.open();
  int sent_moves = 0;
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < 20; ++i) one.fill(1);  // more than the link can take
    one.move("mover");
    const auto sent = one.send();
    REQUIRE(sent);
    sent_moves += static_cast<int>(std::count(sent->clients.begin(), sent->clients.end(), "mover"));
    one.ack(sent->batch.to);
  }
  CHECK(sent_moves == 50);
}

// The record moves from number 1 to a later one that this peer sent. If the cursor of another peer passes 1, it needs
// that record: else a crash would bring the old one back under a number that its cursor has passed.
TEST_CASE("a feed range that passes a superseded change because its peer knows the successor is not shared") {
  OneLink one(LinkLimits{.max_in_flight = 8, .max_batch = 4});
  one.open();
  one.move("client");
  one.store.superseded().begin_flush(one.tail());  // it is on disk
  one.fill(3);
  one.move("client", kThisLink);
  one.fill(2);
  const auto range = one.link.sending().next_range(one.store, one.now, 4);
  REQUIRE(range);
  CHECK(range->to == 4);
  CHECK(range->records.size() == 3);
  CHECK(range->successors.empty());
  CHECK_FALSE(range->shareable);
}

TEST_CASE("a feed range names the links that its records came by") {
  OneLink one;
  one.open();
  one.move("theirs", kThisLink + 1);
  one.move("ours");
  const auto range = one.link.sending().next_range(one.store, one.now, one.tail());
  REQUIRE(range);
  CHECK(range->shareable);
  CHECK(range->sources == bit_of(kThisLink + 1));
}

// The cursor must not pass 1 without client0, which now has the number 7: a crash would bring it back under 1.
TEST_CASE("a feed range that is shortened because it has too many successors includes those after its new end") {
  OneLink one(LinkLimits{.max_in_flight = 8, .max_batch = 4});
  one.fill(6);
  one.store.superseded().begin_flush(one.tail());  // 1 to 6 are on disk
  for (int i = 0; i < 6; ++i) one.move("client" + std::to_string(i));
  for (int i = 1; i < 6; ++i) one.move("client" + std::to_string(i));
  one.open();
  const auto range = one.link.sending().next_range(one.store, one.now, one.store.feed().tail());
  REQUIRE(range);
  CHECK(range->to == 4);
  CHECK(range->records.empty());
  std::vector<ChangeNumber> successors;
  for (const FeedRange::Successor& entry : range->successors) successors.push_back(entry.old);
  CHECK(successors == std::vector<ChangeNumber>{1, 2, 3, 4});
}
