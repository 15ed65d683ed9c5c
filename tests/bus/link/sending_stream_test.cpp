#include "bus/link/sending_stream.hpp"

#include <random>
#include <string>

#include "tests/bus/sample_update.hpp"
#include "tests/catch.hpp"

using namespace herd::bus;
using namespace herd::protocol;

namespace {

constexpr std::uint64_t kRun = 100;
constexpr PeerIndex kThisPeer = 3;

// A stream with the store that it reads; the test takes the part of the link.
class OneStream {
 public:
  Store store{1};
  SendingStream stream;
  RoundTrip round_trip;
  Runs runs;
  Now now{100s, 1'000s};

  explicit OneStream(const LinkLimits& limits = {}) : stream(kThisPeer, limits) { runs.begin({kRun, 0}); }

  [[nodiscard]] ChangeNumber tail() const { return store.feed().tail(); }

  void report(const std::string& client, PeerIndex by = kFromClient) {
    Update update = sample_update(client, tail() + 1);
    update.time = Nanoseconds{static_cast<std::int64_t>(tail() + 1)};
    (void)store.merge(update, by);
  }
  void fill(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) report("client" + std::to_string(tail()));
  }

  CursorClaim start(ChangeNumber cursor) { return stream.start({{}, 0, cursor, 0, kRun, 0}, {runs, tail(), 0}); }
  CursorClaim ack(ChangeNumber merged, ChangeNumber durable = 0) {
    return stream.acknowledge({{}, 0, merged, durable}, tail(), now.steady, round_trip);
  }
  // Sends the next batch; returns its range.
  std::optional<FeedRange> send(ChangeNumber end) {
    auto range = stream.next_range(store, now, end);
    if (range) CHECK(stream.sent(range->to, tail(), now.steady, round_trip) == range->from);
    return range;
  }
  std::optional<FeedRange> send() { return send(tail()); }
};

bool operator==(const SendingStream::Cursors& a, const SendingStream::Cursors& b) {
  return a.sent == b.sent && a.merged == b.merged && a.durable == b.durable;
}

}  // namespace

// The example of the header.
TEST_CASE("batches move the sent cursor, ACKs the acknowledged and the durable one, and a stop goes back") {
  OneStream one;
  one.fill(180);
  REQUIRE(one.start(100) == CursorClaim::Possible);
  CHECK(one.send(140)->to == 140);
  CHECK(one.send()->to == 180);
  CHECK(one.stream.in_flight() == 2);
  CHECK((one.stream.cursors() == SendingStream::Cursors{180, 100, 0}));
  CHECK(one.ack(180, 140) == CursorClaim::Possible);
  CHECK((one.stream.cursors() == SendingStream::Cursors{180, 180, 140}));
  one.fill(5);
  REQUIRE(one.send());
  one.stream.stop();
  CHECK((one.stream.cursors() == SendingStream::Cursors{180, 180, 140}));
  CHECK(one.stream.in_flight() == 0);
}

TEST_CASE("a closed stream sends nothing, and has no deadline") {
  OneStream one;
  one.fill(3);
  one.stream.await(3);
  CHECK_FALSE(one.send());
  CHECK_FALSE(one.stream.next_number(one.tail()));
  CHECK_FALSE(one.stream.wants_to_send(one.tail()));
  CHECK(one.stream.deadline() == Nanoseconds::max());
  REQUIRE(one.start(0) == CursorClaim::Possible);
  CHECK(one.stream.wants_to_send(one.tail()));
  CHECK(one.stream.next_number(one.tail()) == 0);
  REQUIRE(one.send());
  CHECK_FALSE(one.stream.wants_to_send(one.tail()));
}

TEST_CASE("at most max_in_flight batches are in flight, and an ACK makes room") {
  OneStream one({.max_in_flight = 2, .max_batch = 4});
  one.fill(8);
  REQUIRE(one.start(0) == CursorClaim::Possible);
  CHECK(one.send()->to == 4);
  CHECK(one.send()->to == 8);
  one.fill(1);
  CHECK_FALSE(one.send());
  CHECK_FALSE(one.stream.wants_to_send(one.tail()));
  REQUIRE(one.ack(3) == CursorClaim::Possible);
  CHECK_FALSE(one.send());
  REQUIRE(one.ack(4) == CursorClaim::Possible);
  CHECK(one.send()->to == 9);
}

TEST_CASE("a foreign cursor or ACK changes nothing") {
  OneStream one;
  one.fill(3);
  CHECK(one.start(4) == CursorClaim::Foreign);
  CHECK_FALSE(one.stream.is_open());
  REQUIRE(one.start(1) == CursorClaim::Possible);
  REQUIRE(one.send());
  CHECK(one.ack(4) == CursorClaim::Foreign);
  CHECK((one.stream.cursors() == SendingStream::Cursors{3, 1, 0}));
}

TEST_CASE("each acknowledged batch is a sample of the round trip") {
  OneStream one;
  REQUIRE(one.start(0) == CursorClaim::Possible);
  one.fill(1);
  REQUIRE(one.send());
  CHECK(one.stream.unanswered_since() == one.now.steady);
  one.now.steady += 8ms;
  REQUIRE(one.ack(1) == CursorClaim::Possible);
  CHECK(one.round_trip.average() == 8ms);
  CHECK(one.stream.unanswered_since() == Nanoseconds::max());
}

TEST_CASE("changes that the peer knows are covered by the next batch, or by an empty one after kEmptyBatchDelay") {
  OneStream one;
  REQUIRE(one.start(0) == CursorClaim::Possible);
  one.report("theirs", kThisPeer);
  CHECK_FALSE(one.send());
  CHECK(one.stream.deadline() == one.now.steady + kEmptyBatchDelay);
  CHECK(one.stream.next_number(one.tail()) == 1);
  one.now.steady += kEmptyBatchDelay;
  const auto range = one.send();
  REQUIRE(range);
  CHECK(range->is_empty());
  CHECK(range->to == 1);
  CHECK(one.stream.deadline() == Nanoseconds::max());
}

TEST_CASE("a range ends where it is asked to, unless nothing up to there is for the peer") {
  OneStream one;
  REQUIRE(one.start(0) == CursorClaim::Possible);
  one.fill(2);
  CHECK(one.send(1)->to == 1);
  one.report("theirs", kThisPeer);
  CHECK(one.send(2)->to == 2);
  one.report("ours");
  CHECK(one.send(3)->to == 4);
}

TEST_CASE("a range that is shortened to what fits names the successors that the rest needs") {
  OneStream one;
  one.fill(3);
  one.store.superseded().begin_flush(one.tail());
  one.report("client0");
  REQUIRE(one.start(0) == CursorClaim::Possible);
  auto range = one.stream.next_range(one.store, one.now, one.tail());
  REQUIRE(range);
  CHECK(range->successors.empty());
  CHECK(one.stream.shorten(one.store, *range, 3));
  CHECK(range->to == 3);
  CHECK(range->records.size() == 2);
  REQUIRE(range->successors.size() == 1);
  CHECK(range->successors[0].old == 1);
  CHECK_FALSE(one.stream.shorten(one.store, *range, 2));
  CHECK(range->records.size() == 1);
}

TEST_CASE("a reply that waits for a proof makes the stream ask again after an answer timeout") {
  OneStream one;
  one.fill(1);
  REQUIRE(one.start(0) == CursorClaim::Possible);
  REQUIRE(one.send());
  one.stream.await(1);
  REQUIRE(one.ack(1) == CursorClaim::Possible);
  CHECK(one.stream.proven() == 0);
  CHECK_FALSE(one.send());
  CHECK(one.stream.deadline() == one.now.steady + kAnswerTimeoutMin);
  one.now.steady += kAnswerTimeoutMin;
  const auto range = one.send();
  REQUIRE(range);
  CHECK(range->is_empty());
  REQUIRE(one.ack(1, 1) == CursorClaim::Possible);
  CHECK(one.stream.proven() == 1);
}

TEST_CASE("a new incarnation of the peer, and a renewed feed, void what was acknowledged, durable and proven") {
  for (const bool renewed : {false, true}) {
    OneStream one;
    one.fill(2);
    REQUIRE(one.start(0) == CursorClaim::Possible);
    REQUIRE(one.send());
    REQUIRE(one.ack(2, 2) == CursorClaim::Possible);
    REQUIRE(one.stream.proven() == 2);
    if (renewed) {
      one.stream.begin_feed();
    } else {
      one.stream.begin_incarnation(one.tail());
    }
    one.stream.stop();
    CHECK((one.stream.cursors() == SendingStream::Cursors{}));
    CHECK(one.stream.proven() == 0);
    one.stream.check_invariants(one.tail());
  }
}

TEST_CASE("the cursors of a sending stream agree after any operations") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    std::mt19937_64 random(seed);
    OneStream one({.max_in_flight = 1 + random() % 4, .max_batch = 1 + random() % 8});
    for (int i = 0; i < 500; ++i) {
      one.now.steady += Nanoseconds{static_cast<std::int64_t>(random() % 100'000'000)};
      const SendingStream::Cursors cursors = one.stream.cursors();
      switch (random() % 12) {
        case 0:
          (void)one.start(random() % (one.tail() + 2));
          break;
        case 1:
          one.stream.stop();
          break;
        case 2:
          (void)one.ack(random() % (one.tail() + 2), random() % (one.tail() + 2));
          break;
        case 3:
          (void)one.ack(cursors.sent, cursors.sent);
          break;
        case 4:
          one.stream.await(one.tail());
          break;
        case 5:
        case 6:
          one.report("client" + std::to_string(random() % 50), random() % 3 == 0 ? kThisPeer : kFromClient);
          break;
        case 7:
          one.fill(1 + random() % 30);
          break;
        case 8:
          one.store.superseded().begin_flush(one.tail());
          break;
        default:
          (void)one.send(one.tail() - random() % (one.tail() + 1));
      }
      one.stream.check_invariants(one.tail());
      one.round_trip.check_invariants();
    }
  }
}
