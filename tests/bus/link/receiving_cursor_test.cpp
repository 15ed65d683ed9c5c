#include "bus/link/receiving_cursor.hpp"

#include <random>

#include "tests/catch.hpp"

using namespace herd::bus;
using namespace herd::protocol;

namespace {

constexpr std::uint64_t kRun = 200;
constexpr std::uint64_t kFeed = 201;
constexpr Incarnations kIncarnations{kRun, 100};
constexpr Nanoseconds kStart = 100s;

Batch batch(ChangeNumber from, ChangeNumber to, std::uint64_t attempt = 1, std::uint64_t run = 0) {
  return {kIncarnations, attempt, from, to, run, 0};
}

ReceivingCursor started(const LinkLimits& limits = {}) {
  ReceivingCursor receiving(limits, {});
  receiving.begin_incarnation(0);
  receiving.read_feed(kFeed);
  return receiving;
}

}  // namespace

// The example of the header.
TEST_CASE("batches without a gap move the position, and the ACK states how far it is merged and durable") {
  ReceivingCursor receiving = started({.ack_delay = 1ms});
  REQUIRE(receiving.merged(batch(0, 5), kStart));
  CHECK(receiving.ack_deadline() == kStart + 1ms);
  CHECK_FALSE(receiving.take_ack(kIncarnations, kStart));
  REQUIRE(receiving.merged(batch(5, 9), kStart));
  CHECK(receiving.ack_deadline() <= kStart);
  CHECK_FALSE(receiving.merged(batch(12, 14), kStart));
  CHECK(receiving.position() == FeedPosition{9, kRun, 0});
  receiving.durable({"Smith", kFeed, {5, kRun}});
  const auto ack = receiving.take_ack(kIncarnations, kStart);
  REQUIRE(ack);
  CHECK(ack->merged == 9);
  CHECK(ack->durable == 5);
  CHECK(ack->attempt == 1);
  CHECK_FALSE(receiving.owes_ack());
  CHECK(receiving.ack_deadline() == Nanoseconds::max());
}

TEST_CASE("a position of an unknown run is moved only by a batch that names this run") {
  ReceivingCursor receiving({}, {"Smith", kFeed, {5, kRun - 1}});
  CHECK_FALSE(receiving.merged(batch(5, 9), kStart));
  CHECK(receiving.position().cursor == 5);
  CHECK(receiving.merged(batch(5, 9, 1, kRun - 1), kStart));
  CHECK(receiving.position() == FeedPosition{9, kRun, 0});
}

TEST_CASE("a feed with another id is read from its beginning, and the restored one is continued") {
  ReceivingCursor receiving({}, {"Smith", kFeed, {5, kRun}});
  receiving.read_feed(kFeed);
  CHECK(receiving.as_peer_cursor("Smith") == PeerCursor{"Smith", kFeed, {5, kRun}});
  receiving.read_feed(kFeed + 1);
  CHECK(receiving.as_peer_cursor("Smith") == PeerCursor{"Smith", kFeed + 1, {}});
}

TEST_CASE("a restored position without a run is not used") {
  const ReceivingCursor receiving({}, {"Smith", kFeed, {5, 0}});
  CHECK(receiving.position() == FeedPosition{});
  CHECK(receiving.feed_id() == kFeed);
}

TEST_CASE("a cursor is synchronised from the tail of the first HELLO on") {
  ReceivingCursor receiving({}, {});
  CHECK_FALSE(receiving.synchronised());
  receiving.begin_incarnation(5);
  receiving.read_feed(kFeed);
  REQUIRE(receiving.merged(batch(0, 4), kStart));
  CHECK_FALSE(receiving.synchronised());
  REQUIRE(receiving.merged(batch(4, 5), kStart));
  CHECK(receiving.synchronised());
}

TEST_CASE("a durable position is acknowledged at once with prompt_durable, but not to an incarnation without a batch") {
  for (const bool prompt : {false, true}) {
    ReceivingCursor receiving = started({.prompt_durable = prompt});
    REQUIRE(receiving.merged(batch(0, 5), kStart));
    REQUIRE(receiving.take_ack(kIncarnations, kStart));
    receiving.durable({"Smith", kFeed, {3, kRun}});
    CHECK(receiving.owes_ack() == prompt);
    receiving.begin_incarnation(0);
    receiving.durable({"Smith", kFeed, {5, kRun}});
    CHECK_FALSE(receiving.owes_ack());
  }
}

TEST_CASE("other limits apply to the next ACK") {
  ReceivingCursor receiving = started({.ack_delay = 1ms});
  receiving.use({.prompt_durable = true});
  REQUIRE(receiving.merged(batch(0, 5), kStart));
  CHECK(receiving.ack_deadline() == kStart);
  REQUIRE(receiving.take_ack(kIncarnations, kStart));
  receiving.durable({"Smith", kFeed, {3, kRun}});
  CHECK(receiving.owes_ack());
}

TEST_CASE("a durable position never exceeds the merged one, nor falls") {
  ReceivingCursor receiving = started();
  REQUIRE(receiving.merged(batch(0, 5), kStart));
  receiving.durable({"Smith", kFeed, {9, kRun}});
  receiving.durable({"Smith", kFeed, {1, kRun}});
  CHECK(receiving.take_ack(kIncarnations, kStart)->durable == 5);
}

TEST_CASE("no ACK is owed to a peer that has stopped, or to a former incarnation") {
  for (const bool stops : {false, true}) {
    ReceivingCursor receiving = started();
    REQUIRE(receiving.merged(batch(0, 5), kStart));
    if (stops) {
      receiving.stopped();
    } else {
      receiving.begin_incarnation(0);
    }
    CHECK_FALSE(receiving.owes_ack());
    CHECK(receiving.position().cursor == 5);
  }
}

TEST_CASE("the members of a receiving cursor agree after any operations") {
  std::mt19937_64 random(1);
  ReceivingCursor receiving = started({.prompt_durable = true});
  for (int i = 0; i < 10'000; ++i) {
    const std::uint64_t from = random() % 100;
    switch (random() % 8) {
      case 0:
        receiving.read_feed(kFeed + random() % 2);
        break;
      case 1:
        receiving.begin_incarnation(random() % 100);
        break;
      case 2:
        receiving.durable({"Smith", kFeed + random() % 2, {random() % 100, kRun}});
        break;
      case 3:
        (void)receiving.take_ack(kIncarnations, kStart);
        break;
      default:
        (void)receiving.merged(batch(from, from + random() % 10, random() % 5), kStart);
    }
    receiving.check_invariants();
  }
}
