#include "bus/link/out_of_order_plan.hpp"

#include <map>
#include <random>
#include <string>

#include "bus/link/link_limits.hpp"
#include "tests/bus/sample_update.hpp"
#include "tests/catch.hpp"

using namespace herd::bus;

namespace {

constexpr PeerIndex kThisPeer = 3;

// A store of which the journal holds the changes up to some number, and a peer.
class Plan {
 public:
  Store store{1};
  KnownToPeer known{kThisPeer};
  OutOfOrderPlan plan;

  explicit Plan(std::size_t max_batch) : plan(max_batch) {}

  void report(const std::string& client, PeerIndex by = kFromClient) {
    const ChangeNumber number = store.feed().tail() + 1;
    herd::protocol::Update update = sample_update(client, number);
    update.time = std::chrono::nanoseconds{static_cast<std::int64_t>(number)};
    (void)store.merge(update, by);
  }
  void report_each(const std::string& clients) {
    for (const char client : clients) report(std::string(1, client));
  }
  void write_journal() { store.superseded().begin_flush(store.feed().tail()); }

  // The live records in (from, to].
  [[nodiscard]] FeedRange range(ChangeNumber from, ChangeNumber to) const {
    FeedRange range{.from = from, .to = to};
    Feed::Reader reader = store.feed().read_after(from);
    for (auto entry = reader.next(); entry && entry->number <= to; entry = reader.next())
      range.records.push_back(*entry);
    return range;
  }

  [[nodiscard]] std::string clients(const std::vector<Feed::Entry>& entries) const {
    std::string clients;
    for (const Feed::Entry& entry : entries) clients += store.record_at(entry.index).client;
    return clients;
  }
  [[nodiscard]] std::string clients(const std::vector<FeedRange::Successor>& successors) const {
    std::string clients;
    for (const FeedRange::Successor& successor : successors) clients += store.record_at(successor.index).client;
    return clients;
  }
};

// The example of the header: A to F are in the journal, then A and C report again, and G and H for the first time.
void report_example(Plan& example) {
  example.report_each("ABCDEF");
  example.write_journal();
  example.report_each("ACGH");
}

}  // namespace

TEST_CASE("a range that passes superseded changes gets their successors, and the newest records come from the tail") {
  Plan example(4);
  report_example(example);
  FeedRange range = example.range(0, 4);
  REQUIRE(example.clients(range.records) == "BD");
  example.plan.add_successors(example.store, example.known, range);
  CHECK(range.to == 4);
  CHECK(example.clients(range.records) == "BD");
  CHECK(example.clients(range.successors) == "AC");
  CHECK_FALSE(range.shareable);
  example.plan.add_newest(example.store, example.known, range);
  CHECK(example.clients(range.newest) == "GH");
  CHECK(example.plan.newest_sent() == 10);
}

TEST_CASE("a range ends before the first successor that does not fit") {
  Plan example(4);
  report_example(example);
  FeedRange range = example.range(0, 5);
  REQUIRE(example.clients(range.records) == "BDE");
  example.plan.add_successors(example.store, example.known, range);
  CHECK(range.to == 2);
  CHECK(example.clients(range.records) == "B");
  CHECK(example.clients(range.successors) == "A");
}

TEST_CASE("a superseded change that was never in the journal needs no successor") {
  Plan example(4);
  example.report_each("AB");
  example.report_each("A");
  FeedRange range = example.range(0, 2);
  example.plan.add_successors(example.store, example.known, range);
  CHECK(range.successors.empty());
  CHECK(range.to == 2);
  CHECK(range.shareable);
}

TEST_CASE("a successor inside the range is a record of it, and is not sent twice") {
  Plan example(8);
  report_example(example);
  FeedRange range = example.range(0, 8);
  example.plan.add_successors(example.store, example.known, range);
  CHECK(example.clients(range.records) == "BDEFAC");
  CHECK(range.successors.empty());
  CHECK(range.shareable);
}

TEST_CASE("a successor that the peer knows is left out, and the body is not shared") {
  Plan example(4);
  example.report_each("AB");
  example.write_journal();
  example.report("A", kThisPeer);
  FeedRange range = example.range(0, 2);
  example.plan.add_successors(example.store, example.known, range);
  CHECK(range.successors.empty());
  CHECK(range.to == 2);
  CHECK_FALSE(range.shareable);
}

TEST_CASE("with too many superseded changes to scan, a range that must end before the tail moves no cursor") {
  Plan example(4);
  example.report("A");
  for (std::size_t i = 0; i <= kMaxSupersededScanned; ++i) {
    example.write_journal();
    example.report("A");
  }
  FeedRange range = example.range(0, 1);
  example.plan.add_successors(example.store, example.known, range);
  CHECK(range.to == 0);
  CHECK(range.records.empty());
}

TEST_CASE("the newest records are sent early once, until the stream starts again") {
  Plan example(4);
  example.report_each("ABCDEF");
  FeedRange first = example.range(0, 2);
  example.plan.add_newest(example.store, example.known, first);
  CHECK(example.clients(first.newest) == "EF");
  FeedRange second = example.range(2, 4);
  example.plan.add_newest(example.store, example.known, second);
  CHECK(second.newest.empty());
  example.report_each("G");
  FeedRange third = example.range(2, 4);
  example.plan.add_newest(example.store, example.known, third);
  CHECK(example.clients(third.newest) == "G");
  example.plan.restart(2);
  FeedRange again = example.range(2, 4);
  example.plan.add_newest(example.store, example.known, again);
  CHECK(example.clients(again.newest) == "FG");
}

TEST_CASE("the newest records leave out what the peer knows, and what the range contains") {
  Plan example(4);
  example.report_each("ABC");
  example.report("D", kThisPeer);
  example.report_each("E");
  FeedRange range = example.range(0, 1);
  example.plan.add_newest(example.store, example.known, range);
  CHECK(example.clients(range.newest) == "CE");
  example.plan.restart(0);
  FeedRange nearly_all = example.range(3, 4);
  example.plan.add_newest(example.store, example.known, nearly_all);
  CHECK(example.clients(nearly_all.newest) == "E");
}

// Rule 13 itself, against a direct search.
TEST_CASE("every superseded change that a range passes is in it, known, or has a successor in it") {
  std::mt19937_64 random(1);
  for (int round = 0; round < 300; ++round) {
    Plan example(1 + random() % 6);
    for (int i = 0; i < 30; ++i) {
      example.report(std::string(1, static_cast<char>('a' + random() % 8)),
                     random() % 4 == 0 ? kThisPeer : kFromClient);
      if (random() % 5 == 0) example.write_journal();
    }
    const ChangeNumber from = random() % 30;
    FeedRange range = example.range(from, from + random() % (31 - from));
    const ChangeNumber asked = range.to;
    example.plan.add_successors(example.store, example.known, range);
    REQUIRE(range.to >= range.from);
    REQUIRE(range.to <= asked);
    for (const Feed::Entry& entry : range.records) REQUIRE(entry.number <= range.to);
    for (const SupersededChanges::Entry& entry : example.store.superseded().entries()) {
      const ChangeNumber present = example.store.number_of(entry.index);
      if (entry.old <= range.from || entry.old > range.to || present <= range.to) continue;
      const bool is_sent = std::find(range.successors.begin(), range.successors.end(),
                                     FeedRange::Successor{entry.old, entry.index}) != range.successors.end();
      const bool is_known = example.known.contains(example.store, {present, entry.index});
      REQUIRE(is_sent != is_known);
    }
  }
}
