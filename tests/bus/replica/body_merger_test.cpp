#include "bus/replica/body_merger.hpp"

#include <chrono>
#include <numeric>
#include <string>
#include <vector>

#include "tests/bus/sample_update.hpp"
#include "tests/catch.hpp"

using namespace herd::bus;
using namespace herd::protocol;

namespace {

constexpr PeerIndex kThisPeer = 3;
constexpr std::uint64_t kOurRun = 100;

class OneMerger {
 public:
  Self self{"herd", "Smith", kOurRun, 101};
  Store store{1};
  RecentBodies recent;
  DurationHistogram propagation;
  EventCollector events{&propagation};
  BodyMerger merger{self, store, recent, events};

  [[nodiscard]] const ReplicaCounters& counters() const { return events.counters(); }

  BodyMerger::Merged batch(const std::string& body) { return merger.merge_batch({kThisPeer, "Hill", body}); }
  BodyMerger::Merged answer(const std::string& body) { return merger.merge_answer({kThisPeer, "Hill", body}); }
};

std::string body_of(const std::vector<Update>& updates) {
  BodyEncoder encoder;
  for (const Update& update : updates) REQUIRE(encoder.add(update));
  return encoder.finish();
}

}  // namespace

TEST_CASE("a body's updates are merged with the peer as their source, and the body is remembered") {
  OneMerger one;
  const std::string body = body_of({sample_update("kiwi", 1), sample_update("plum", 2)});
  const BodyMerger::Merged merged = one.batch(body);
  CHECK(merged.is_readable);
  CHECK(merged.updates == 2);
  CHECK(merged.changed == 2);
  CHECK(one.store.came_by(*one.store.locate("kiwi").at.index) == kThisPeer);
  CHECK(one.counters().updates_merged == 2);
  const RecentBodies::Recent* recent = one.recent.find(body);
  REQUIRE(recent != nullptr);
  CHECK(recent->from == 0);
  CHECK(recent->to == 2);
  CHECK(recent->sources == bit_of(kThisPeer));
}

TEST_CASE("an update that changes the store counts with the time since its origin accepted it") {
  OneMerger one;
  Update update = sample_update("kiwi", 1);
  update.difference = Nanoseconds(3);
  const Nanoseconds accepted = update.time + update.difference;
  const auto merge = [&](const std::string& body, Nanoseconds wall) {
    return one.merger.merge_batch({kThisPeer, "Hill", body, wall});
  };
  (void)merge(body_of({update, sample_update("plum", 2)}), accepted + std::chrono::milliseconds(2));
  (void)merge(body_of({update}), accepted + std::chrono::seconds(70));  // a repeat
  const auto& buckets = one.propagation.buckets();
  CHECK(std::accumulate(buckets.begin(), buckets.end(), std::uint64_t{0}) == 2);
  CHECK(buckets[4] == 2);  // above 1 ms, up to 2.5 ms
  CHECK(buckets.back() == 0);
}

TEST_CASE("no time that a peer sends overflows the propagation: the origin's clock is ahead, or far back") {
  OneMerger one;
  Update ahead = sample_update("kiwi", 1);
  ahead.difference = Nanoseconds::max();
  Update back = sample_update("plum", 2);
  back.difference = Nanoseconds::min();
  (void)one.merger.merge_batch({kThisPeer, "Hill", body_of({ahead, back}), Nanoseconds::max()});
  CHECK(one.propagation.buckets().front() == 1);
  CHECK(one.propagation.buckets().back() == 1);
}

TEST_CASE("a body that comes again is counted, and neither decoded nor merged") {
  OneMerger one;
  const std::string body = body_of({sample_update("kiwi", 1), sample_update("plum", 2)});
  (void)one.batch(body);
  const BodyMerger::Merged merged = one.batch(body);
  CHECK(merged.updates == 2);
  CHECK(merged.changed == 0);
  CHECK(one.counters().bodies_repeated == 1);
  CHECK(one.counters().updates_received == 4);
  CHECK(one.counters().updates_repeated == 2);
}

TEST_CASE(
    "an update that comes again in another body is dropped by its identity, but an ANSWER is merged by the order") {
  OneMerger one;
  (void)one.batch(body_of({sample_update("kiwi", 1)}));
  const std::string both = body_of({sample_update("kiwi", 1), sample_update("plum", 2)});
  CHECK(one.batch(both).changed == 1);
  CHECK(one.counters().updates_repeated == 1);
  CHECK(one.recent.find(both) == nullptr);  // one of its updates changed nothing
  Update newer = sample_update("kiwi", 1);
  newer.time_text = "6";
  CHECK(one.batch(body_of({newer})).changed == 0);
  CHECK(one.answer(body_of({newer})).changed == 1);
  CHECK(one.store.find("kiwi")->time == 6s);
}

TEST_CASE("updates of this node's own run are known up to the tail, those of an earlier run are not") {
  for (const std::uint64_t run : {kOurRun, kOurRun - 1}) {
    OneMerger one;
    (void)one.store.merge(sample_update("plum", 1), kFromClient);
    Update update = sample_update("kiwi", 1);
    update.id = {"Smith", run, 1};
    CHECK(one.batch(body_of({update})).changed == (run == kOurRun ? 0 : 1));
  }
}

TEST_CASE("a body that cannot be read counts as empty, and an update out of bounds is skipped") {
  OneMerger one;
  const BodyMerger::Merged merged = one.batch("no body");
  CHECK_FALSE(merged.is_readable);
  CHECK(merged.updates == 0);
  Update wrong = sample_update("kiwi", 1);
  wrong.coordinates = "nowhere";
  CHECK(one.batch(body_of({wrong, sample_update("plum", 2)})).changed == 1);
  CHECK(one.counters().updates_unreadable == 2);
  const Events events = one.events.take();
  REQUIRE(events.refused.size() == 2);
  CHECK(events.refused[0].peer == "Hill");
  CHECK(events.refused[1].reason == "an update is out of bounds and was skipped");
}

TEST_CASE("a message without a body frame is unreadable, and is not remembered") {
  OneMerger one;
  CHECK_FALSE(one.merger.merge_batch({kThisPeer, "Hill", std::nullopt}).is_readable);
  CHECK(one.recent.find("") == nullptr);
}
