// The journal planner: what a flush contains, when it counts, and how a compaction replaces the journal.
#include "bus/journal/journal_planner.hpp"

#include "tests/bus/one_journal.hpp"
#include "tests/catch.hpp"

using namespace herd::bus;
using herd::protocol::Update;

namespace {

constexpr std::size_t kRecordsPerFlush = JournalPlannerLimits().records_per_flush;
constexpr std::size_t kRecordsPerPiece = JournalPlannerLimits().records_per_chunk;

// The client's change number after recovery from this text; 0 if the journal does not contain the client.
ChangeNumber recovered_number(const std::string& text, std::string_view client) {
  return recovered(text).store.number_of(client);
}

bool wants_flush(OneJournal& node, const std::vector<PeerCursor>& cursors) {
  return node.planner->wants_records(*node.store) || node.planner->wants_cursors(cursors);
}

}  // namespace

TEST_CASE("no flush is needed before something changes") {
  OneJournal node;
  CHECK_FALSE(wants_flush(node, {}));
  node.move("kiwi");
  CHECK(wants_flush(node, {}));
  (void)node.flush();
  CHECK_FALSE(wants_flush(node, {}));
}

TEST_CASE("a changed cursor of a peer needs a flush") {
  OneJournal node;
  CHECK(wants_flush(node, {{"Smith", 201, {1}}}));
  node.cursors = {{"Smith", 201, {1}}};
  CHECK(node.flush() == node.cursors);
  CHECK_FALSE(wants_flush(node, node.cursors));
  CHECK(wants_flush(node, {{"Smith", 202, {1}}}));
}

TEST_CASE("a flush counts when it is written, not when it begins") {
  OneJournal node;
  node.move("kiwi");
  const std::string bytes = node.planner->begin_flush(*node.store, {});
  CHECK(node.planner->in_flush());
  CHECK(node.planner->durable() == 0);
  node.text += bytes;
  (void)node.planner->flush_written(*node.store);
  CHECK_FALSE(node.planner->in_flush());
  CHECK(node.planner->durable() == 1);
  CHECK(recovered_number(node.text, "kiwi") == 1);
}

TEST_CASE("a flush counts for the changes that it read, and not for later ones") {
  OneJournal node;
  node.cursors = {{"Smith", 201, {5}}};
  node.move("kiwi");
  node.text += node.planner->begin_flush(*node.store, node.cursors);
  node.move("kiwi");
  node.move("plum");
  node.cursors = {{"Smith", 201, {6}}};
  CHECK(node.planner->flush_written(*node.store) == std::vector<PeerCursor>{{"Smith", 201, {5}}});
  CHECK(node.planner->durable() == 1);
  CHECK(recovered_number(node.text, "kiwi") == 1);
  CHECK(recovered_number(node.text, "plum") == 0);
  CHECK(node.flush() == node.cursors);
  CHECK(recovered_number(node.text, "kiwi") == 2);
  CHECK(recovered_number(node.text, "plum") == 3);
}

TEST_CASE(
    "after a failed flush, the next one reads the same changes again, and the journal is as if it had not been tried") {
  OneJournal node;
  node.cursors = {{"Smith", 201, {5}}};
  node.fill(10);
  (void)node.planner->begin_flush(*node.store, node.cursors);
  node.planner->flush_failed(*node.store);
  CHECK(node.planner->durable() == 0);
  CHECK(node.planner->cursor() == 0);
  CHECK(wants_flush(node, node.cursors));
  CHECK(node.flush() == node.cursors);
  CHECK(node.planner->durable() == 10);
  CHECK(recovered(node.text).store.digest() == node.store->digest());
}

TEST_CASE("more records than fit a flush need several, and only the one that reaches the tail counts") {
  OneJournal node;
  node.cursors = {{"Smith", 201, {5}}};
  node.fill(kRecordsPerFlush + 1);
  CHECK(node.flush().empty());
  CHECK(node.planner->cursor() == kRecordsPerFlush);
  CHECK(node.planner->durable() == 0);
  CHECK(recovered(node.text).cursors.empty());
  // A record of the first flush changes. Although that flush passed its old number, it must not count.
  node.move("client0");
  CHECK(node.flush() == node.cursors);
  CHECK(node.planner->durable() == node.tail());
  CHECK(recovered(node.text).store.digest() == node.store->digest());
}

TEST_CASE("flushes reach the tail, however many changes arrive while one is written", "[slow]") {
  const std::size_t changes = GENERATE(500U, 1'200U, 3'000U, 8'000U, 20'000U);
  CAPTURE(changes);
  Store store(1);
  JournalPlanner planner({kJournalFeed, 0}, {}, 0, 0, {.records_per_flush = 1'024});
  std::uint64_t moves = 0;
  for (int flush = 0; flush < 100; ++flush) {
    (void)planner.begin_flush(store, {});
    for (std::size_t i = 0; i < changes; ++i) {
      const std::string client = "client" + std::to_string(++moves % 30'000);
      Update update = sample_update(client, moves);
      update.time = herd::protocol::Nanoseconds{static_cast<std::int64_t>(moves)};
      (void)store.merge(update, kFromClient);
    }
    (void)planner.flush_written(store);
  }
  CHECK(store.feed().tail() - planner.durable() <= 8 * changes);
  CHECK(store.superseded().entries().size() <= 8 * changes);
}

TEST_CASE("exactly as many records as fit a flush need only one") {
  OneJournal node;
  node.cursors = {{"Smith", 201, {5}}};
  node.fill(kRecordsPerFlush);
  CHECK(node.flush() == node.cursors);
  CHECK(node.planner->durable() == node.tail());
}

TEST_CASE("a compacted journal contains the live records and is shorter than before") {
  OneJournal node;
  for (int i = 0; i < 1'000; ++i) {
    node.move("kiwi" + std::to_string(i % 10));
    (void)node.flush();
  }
  node.cursors = {{"Smith", 201, {5}}};
  const std::size_t before = node.text.size();
  node.compact();
  CHECK(node.text.size() < before / 20);
  const RecoveredState state = recovered(node.text);
  CHECK(state.store.digest() == node.store->digest());
  CHECK(state.cursors == node.cursors);
  CHECK(state.run.feed_id == kJournalFeed);
  CHECK(state.store.number_of("kiwi9") == node.store->number_of("kiwi9"));
  node.move("plum");
  (void)node.flush();
  CHECK(recovered(node.text).store.digest() == node.store->digest());
}

TEST_CASE("flushes continue during a compaction, and a crash at any moment of it loses no durable change") {
  OneJournal node;
  node.fill(2 * kRecordsPerPiece + 100);
  (void)node.flush();
  std::string fresh = node.planner->begin_compaction();
  const auto journal_is_complete = [&] { return recovered(node.text).store.digest() == node.store->digest(); };
  for (std::string piece = node.planner->compaction_chunk(*node.store); !piece.empty();
       piece = node.planner->compaction_chunk(*node.store)) {
    fresh += piece;
    node.move("client1");  // which the new file contains already
    node.move("client" + std::to_string(kRecordsPerPiece + 50));
    (void)node.flush();
    CHECK(journal_is_complete());
  }
  node.move("client7");
  fresh += node.planner->finish_compaction(*node.store, {});
  CHECK(node.planner->durable() < node.tail());
  CHECK(recovered(node.text).store.size() == node.store->size());
  node.text = fresh;
  (void)node.planner->flush_written(*node.store);
  CHECK_FALSE(node.planner->compacting());
  CHECK(node.planner->durable() == node.tail());
  CHECK(journal_is_complete());
  node.move("client8");
  (void)node.flush();
  CHECK(journal_is_complete());
}

TEST_CASE("after a failed or abandoned compaction, the journal continues") {
  OneJournal node;
  node.fill(10);
  (void)node.flush();
  (void)node.planner->begin_compaction();
  CHECK(node.planner->compacting());
  node.move("client1");
  SECTION("it failed") {
    (void)node.planner->finish_compaction(*node.store, {});
    node.planner->flush_failed(*node.store);
  }
  SECTION("it was abandoned") {
    node.planner->abandon_compaction();
  }
  CHECK_FALSE(node.planner->compacting());
  CHECK(node.planner->durable() == 10);
  (void)node.flush();
  CHECK(recovered(node.text).store.digest() == node.store->digest());
}

TEST_CASE("a new run writes its base at its start") {
  OneJournal node;
  node.fill(1);
  (void)node.flush();
  node.restart();
  const ChangeNumber base = node.tail();
  CHECK(recovered(node.text).run.base == base + kRunGap);
}

TEST_CASE("the next flush writes a renewed feed before its records, and again if that flush fails") {
  OneJournal node;
  node.move("kiwi");
  (void)node.flush();
  CHECK_FALSE(node.planner->wants_run());
  node.planner->renew({kJournalFeed + 5, node.tail(), 42});
  CHECK(node.planner->wants_run());
  (void)node.planner->begin_flush(*node.store, {});
  node.planner->flush_failed(*node.store);
  CHECK(node.planner->wants_run());
  (void)node.flush();
  CHECK_FALSE(node.planner->wants_run());
  const RecoveredState state = recovered(node.text);
  CHECK(state.run.feed_id == kJournalFeed + 5);
  CHECK(state.runs.list() == std::vector<Run>{{42, 1}});
  CHECK(state.store.number_of("kiwi") == 1);
}

TEST_CASE("a feed that is renewed during a compaction is the one that the compacted journal ends with") {
  for (const bool before_the_end : {true, false}) {
    OneJournal node;
    node.move("kiwi");
    std::string compacted = node.planner->begin_compaction();
    if (before_the_end) node.planner->renew({kJournalFeed + 5, node.tail(), 42});
    compacted += node.planner->finish_compaction(*node.store, {});
    if (!before_the_end) node.planner->renew({kJournalFeed + 5, node.tail(), 42});
    (void)node.planner->flush_written(*node.store);
    node.text = compacted;
    CHECK(node.planner->wants_run() != before_the_end);
    if (!before_the_end) (void)node.flush();
    CHECK(recovered(node.text).run.feed_id == kJournalFeed + 5);
  }
}

TEST_CASE("a compaction ends although each of its pieces takes as long as many new changes") {
  OneJournal one;
  one.fill(3 * kRecordsPerPiece);
  one.flush();
  std::string copy = one.planner->begin_compaction();
  int pieces = 0;
  for (std::string piece = one.planner->compaction_chunk(*one.store); !piece.empty(); ++pieces) {
    REQUIRE(pieces < 12);
    copy += piece;
    one.fill(kRecordsPerPiece + 1);  // more than one piece contains at first
    piece = one.planner->compaction_chunk(*one.store);
  }
  CHECK(pieces > 3);
  copy += one.planner->finish_compaction(*one.store, {});
  (void)one.planner->flush_written(*one.store);
  CHECK(recovered(copy).store.digest() == one.store->digest());
}

TEST_CASE("a compacted journal lists all runs of the feed") {
  OneJournal node;
  node.fill(3);
  (void)node.flush();
  node.restart();
  node.restart();
  const std::vector<Run> runs{{kFirstRun, 0}, {kFirstRun + 1, 3 + kRunGap}, {kFirstRun + 2, 3 + 2 * kRunGap}};
  CHECK(recovered(node.text).runs.list() == runs);
  node.compact();
  CHECK(recovered(node.text).runs.list() == runs);
}
