// What a batch holds, and what it leaves out for its peer.
#include <algorithm>

#include "tests/bus/one_link.hpp"
#include "tests/catch.hpp"

using namespace herd::bus;
using namespace herd::protocol;

namespace {

constexpr LinkLimits kSmall{.max_in_flight = 2, .max_batch = 4};

}  // namespace

TEST_CASE("an update is withheld from the life it came from, and from nobody else") {
  OneLink one;
  one.open();
  one.move("theirs", kThisLink);
  one.move("another's", kThisLink + 1);
  one.move("ours");
  CHECK(one.send()->clients == std::vector<std::string>{"another's", "ours"});
}

TEST_CASE("a peer that told us and then lost its memory gets it back") {
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
  one.move("theirs", kThisLink);  // what the new life says it knows itself
  CHECK_FALSE(one.send());
}

TEST_CASE("a stretch that left something out for its peer alone is not sent to others") {
  OneLink one;
  one.open();
  one.move("ours");
  auto range = one.link.next_range(one.store, one.now, one.store.feed().tail());
  REQUIRE(range);
  CHECK(range->shareable);
  (void)one.link.send(range->to, one.store, 0, one.now);
  one.move("theirs", kThisLink);
  CHECK_FALSE(one.send());  // scanned, and left out
  one.move("ours");
  range = one.link.next_range(one.store, one.now, one.store.feed().tail());
  REQUIRE(range);
  CHECK_FALSE(range->shareable);
}

TEST_CASE("a link that lags fills half of each batch from the tail, without moving its cursor by it") {
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

TEST_CASE("a link that keeps up sends in order alone") {
  OneLink one(kSmall);
  one.fill(kSmall.max_in_flight * kSmall.max_batch);
  one.open();
  CHECK(one.send()->clients == std::vector<std::string>{"client0", "client1", "client2", "client3"});
}

TEST_CASE("a client that moves all the time is not starved by a link that lags") {
  OneLink one(kSmall);
  one.fill(1000);
  one.open();
  int told = 0;
  for (int turn = 0; turn < 50; ++turn) {
    for (int i = 0; i < 20; ++i) one.fill(1);  // more than the link can take
    one.move("mover");
    const auto sent = one.send();
    REQUIRE(sent);
    told += static_cast<int>(std::count(sent->clients.begin(), sent->clients.end(), "mover"));
    one.ack(sent->batch.to);
  }
  CHECK(told == 50);
}

// Another peer that passes 1 must be told what stands at 2, or a crash would bring the old record back behind its
// cursor.
TEST_CASE("a stretch that passes something because its peer knows what superseded it is not sent to others") {
  OneLink one(LinkLimits{.max_in_flight = 8, .max_batch = 4});
  one.open();
  one.move("client");
  one.store.superseded().begin_flush(one.tail());  // it is on disk
  one.fill(3);
  one.move("client", kThisLink);
  one.fill(2);
  const auto range = one.link.next_range(one.store, one.now, 4);
  REQUIRE(range);
  CHECK(range->to == 4);
  CHECK(range->records.size() == 3);
  CHECK(range->successors.empty());
  CHECK_FALSE(range->shareable);
}

TEST_CASE("a stretch names the links that its records came by") {
  OneLink one;
  one.open();
  one.move("theirs", kThisLink + 1);
  one.move("ours");
  const auto range = one.link.next_range(one.store, one.now, one.tail());
  REQUIRE(range);
  CHECK(range->shareable);
  CHECK(range->sources == bit_of(kThisLink + 1));
}

// The cursor must not pass 1, under which a crash would bring client0 back, while client0 stands at 7 and is left out.
TEST_CASE("a stretch that is cut because too many go along takes along what now stands behind its end") {
  OneLink one(LinkLimits{.max_in_flight = 8, .max_batch = 4});
  one.fill(6);
  one.store.superseded().begin_flush(one.tail());  // 1 to 6 are on disk
  for (int i = 0; i < 6; ++i) one.move("client" + std::to_string(i));
  for (int i = 1; i < 6; ++i) one.move("client" + std::to_string(i));
  one.open();
  const auto range = one.link.next_range(one.store, one.now, one.store.feed().tail());
  REQUIRE(range);
  CHECK(range->to == 4);
  CHECK(range->records.empty());
  std::vector<ChangeNumber> successors;
  for (const FeedRange::Successor& entry : range->successors) successors.push_back(entry.old);
  CHECK(successors == std::vector<ChangeNumber>{1, 2, 3, 4});
}
