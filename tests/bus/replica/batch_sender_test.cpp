#include "bus/replica/batch_sender.hpp"

#include <string>

#include "tests/bus/one_link.hpp"
#include "tests/catch.hpp"

using namespace herd::bus;
using namespace herd::protocol;

namespace {

// The sender of a node with several links, of which OneLink has one.
class OneSender : public OneLink {
 public:
  RecentBodies recent;
  ReplicaCounters counters;
  BatchSender sender{store, recent, counters};

  explicit OneSender(const LinkLimits& limits = {}) : OneLink(limits) {}

  struct Taken {
    Batch batch;
    std::shared_ptr<const std::string> body;
    std::size_t updates = 0;
  };
  std::optional<Taken> take_batch() {
    const auto outgoing = sender.take(link, kThisLink, written, now);
    if (!outgoing) return std::nullopt;
    Body body;
    REQUIRE(decode_body(*outgoing->body, body));
    return Taken{std::get<Batch>(decode(outgoing->header).value()), outgoing->body, body.updates.size()};
  }
  // As if another link had sent the range (from, to] with this body.
  void remember(ChangeNumber from, ChangeNumber to, std::uint64_t sources = 0) {
    recent.remember({from, to, sources, to - from, std::make_shared<const std::string>("another link's")});
  }
};

}  // namespace

TEST_CASE("a range is encoded and remembered, if it is shareable") {
  OneSender one;
  one.open();
  one.fill(3);
  const auto sent = one.take_batch();
  REQUIRE(sent);
  CHECK(sent->batch.from == 0);
  CHECK(sent->batch.to == 3);
  CHECK(sent->updates == 3);
  CHECK(one.counters.batches_sent == 1);
  CHECK(one.counters.updates_sent == 3);
  CHECK(one.recent.find(*sent->body) != nullptr);
  CHECK_FALSE(one.take_batch());
  one.move("theirs", kThisLink);
  one.fill(1);
  const auto not_shareable = one.take_batch();
  REQUIRE(not_shareable);
  CHECK(one.recent.find(*not_shareable->body) == nullptr);
}

TEST_CASE("a recent body that reaches the tail is sent without encoding") {
  OneSender one;
  one.open();
  one.fill(3);
  one.remember(0, 3);
  const auto outgoing = one.sender.take(one.link, kThisLink, 0, one.now);
  REQUIRE(outgoing);
  CHECK(*outgoing->body == "another link's");
  CHECK(one.counters.bodies_shared == 1);
  CHECK(one.counters.updates_sent == 3);
}

TEST_CASE("a recent body with an update of the peer, or above the link's max_batch, is not sent to it") {
  for (const bool own : {false, true}) {
    OneSender one({.max_batch = own ? std::size_t{512} : std::size_t{2}});
    one.open();
    one.fill(3);
    one.remember(0, 3, own ? bit_of(kThisLink) : 0);
    const auto sent = one.take_batch();
    REQUIRE(sent);
    CHECK(sent->batch.to == (own ? 3 : 2));
    CHECK(one.counters.bodies_shared == 0);
  }
}

// The example of the header.
TEST_CASE("a range ends where a recent body begins, so that the next batch is that body") {
  OneSender one;
  one.fill(1800);
  one.open(1000);
  one.remember(1400, 1800);
  const auto first = one.take_batch();
  REQUIRE(first);
  CHECK(first->batch.from == 1000);
  CHECK(first->batch.to == 1400);
  const auto second = one.sender.take(one.link, kThisLink, 0, one.now);
  REQUIRE(second);
  CHECK(*second->body == "another link's");
}

TEST_CASE("a range does not end for a body that is too small to be worth a message") {
  OneSender one;
  one.fill(500);
  one.open();
  one.remember(450, 500);  // 50 updates are less than max_batch / 8
  const auto sent = one.take_batch();
  REQUIRE(sent);
  CHECK(sent->batch.to == 500);
}

TEST_CASE("records that do not fit the body are left for the next batch") {
  OneSender one;
  one.open();
  for (int i = 0; i < 500; ++i) one.move(std::string(200, 'x') + std::to_string(i));
  const auto sent = one.take_batch();
  REQUIRE(sent);
  CHECK(sent->updates < 500);
  CHECK(sent->batch.to == sent->updates);
  CHECK(sent->body->size() <= kMaxBatchBytes);
  const auto next = one.take_batch();
  REQUIRE(next);
  CHECK(next->batch.from == sent->batch.to);
}
