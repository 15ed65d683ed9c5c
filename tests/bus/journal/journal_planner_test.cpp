// The journal as a reader of the feed: what a pass holds, when it counts, and how a copy takes the journal's place.
#include "bus/journal/journal_planner.hpp"

#include "tests/bus/one_journal.hpp"
#include "tests/catch.hpp"

using namespace herd::bus;
using herd::protocol::Update;

namespace {

constexpr std::size_t kRecordsPerFlush = JournalPlannerLimits().records_per_flush;
constexpr std::size_t kRecordsAPiece = JournalPlannerLimits().records_per_chunk;

// What a node that starts with this text knows of a client: the number it had.
ChangeNumber kept_number(const std::string& text, std::string_view client) {
  return recovered(text).store.number_of(client);
}

bool wants_flush(OneJournal& node, const std::vector<PeerCursor>& cursors) {
  return node.planner->wants_records(*node.store) || node.planner->wants_cursors(cursors);
}

}  // namespace

TEST_CASE("nothing is to be written before something changed") {
  OneJournal node;
  CHECK_FALSE(wants_flush(node, {}));
  node.move("kiwi");
  CHECK(wants_flush(node, {}));
  (void)node.flush();
  CHECK_FALSE(wants_flush(node, {}));
}

TEST_CASE("a peer's cursor that moved is worth a pass") {
  OneJournal node;
  CHECK(wants_flush(node, {{"Smith", 201, 1}}));
  node.cursors = {{"Smith", 201, 1}};
  CHECK(node.flush() == node.cursors);
  CHECK_FALSE(wants_flush(node, node.cursors));
  CHECK(wants_flush(node, {{"Smith", 202, 1}}));
}

TEST_CASE("a pass counts when it is written, not when it is begun") {
  OneJournal node;
  node.move("kiwi");
  const std::string bytes = node.planner->begin_flush(*node.store, {});
  CHECK(node.planner->in_flush());
  CHECK(node.planner->durable() == 0);
  node.text += bytes;
  (void)node.planner->flush_written(*node.store);
  CHECK_FALSE(node.planner->in_flush());
  CHECK(node.planner->durable() == 1);
  CHECK(kept_number(node.text, "kiwi") == 1);
}

TEST_CASE("a pass counts for what its snapshot held, and not for what changed since") {
  OneJournal node;
  node.cursors = {{"Smith", 201, 5}};
  node.move("kiwi");
  node.text += node.planner->begin_flush(*node.store, node.cursors);
  node.move("kiwi");
  node.move("plum");
  node.cursors = {{"Smith", 201, 6}};
  CHECK(node.planner->flush_written(*node.store) == std::vector<PeerCursor>{{"Smith", 201, 5}});
  CHECK(node.planner->durable() == 1);
  CHECK(kept_number(node.text, "kiwi") == 1);
  CHECK(kept_number(node.text, "plum") == 0);
  CHECK(node.flush() == node.cursors);
  CHECK(kept_number(node.text, "kiwi") == 2);
  CHECK(kept_number(node.text, "plum") == 3);
}

TEST_CASE("a pass that failed is read again, and the journal has no trace of it") {
  OneJournal node;
  node.cursors = {{"Smith", 201, 5}};
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

TEST_CASE("more records than fit a pass need several, and only the one that reaches the tail counts") {
  OneJournal node;
  node.cursors = {{"Smith", 201, 5}};
  node.fill(kRecordsPerFlush + 1);
  CHECK(node.flush().empty());
  CHECK(node.planner->cursor() == kRecordsPerFlush);
  CHECK(node.planner->durable() == 0);
  CHECK(recovered(node.text).cursors.empty());
  // A record that the first pass held moves on: reaching its old number proved nothing.
  node.move("client0");
  CHECK(node.flush() == node.cursors);
  CHECK(node.planner->durable() == node.tail());
  CHECK(recovered(node.text).store.digest() == node.store->digest());
}

TEST_CASE("passes reach the tail however much is told while one is written") {
  const std::size_t told = GENERATE(500U, 1'200U, 3'000U, 8'000U, 20'000U);
  CAPTURE(told);
  Store store(1);
  JournalPlanner planner({kJournalFeed, 0}, {}, 0, 0, {.records_per_flush = 1'024});
  std::uint64_t moves = 0;
  for (int flush = 0; flush < 100; ++flush) {
    (void)planner.begin_flush(store, {});
    for (std::size_t i = 0; i < told; ++i) {
      const std::string client = "client" + std::to_string(++moves % 30'000);
      Update update = sample_update(client, moves);
      update.time = herd::protocol::Nanoseconds{static_cast<std::int64_t>(moves)};
      (void)store.merge(update, kFromClient);
    }
    (void)planner.flush_written(store);
  }
  CHECK(store.feed().tail() - planner.durable() <= 8 * told);
  CHECK(store.superseded().entries().size() <= 8 * told);
}

TEST_CASE("exactly as many records as fit a pass need no second one") {
  OneJournal node;
  node.cursors = {{"Smith", 201, 5}};
  node.fill(kRecordsPerFlush);
  CHECK(node.flush() == node.cursors);
  CHECK(node.planner->durable() == node.tail());
}

TEST_CASE("a copy holds what is live, and is shorter than what was") {
  OneJournal node;
  for (int i = 0; i < 1'000; ++i) {
    node.move("kiwi" + std::to_string(i % 10));
    (void)node.flush();
  }
  node.cursors = {{"Smith", 201, 5}};
  const std::size_t before = node.text.size();
  node.compact();
  CHECK(node.text.size() < before / 20);
  const RecoveredState memory = recovered(node.text);
  CHECK(memory.store.digest() == node.store->digest());
  CHECK(memory.cursors == node.cursors);
  CHECK(memory.run.feed_id == kJournalFeed);
  CHECK(memory.store.number_of("kiwi9") == node.store->number_of("kiwi9"));
  node.move("plum");
  (void)node.flush();
  CHECK(recovered(node.text).store.digest() == node.store->digest());
}

TEST_CASE("a copy is made while passes go on, and a crash at any moment of it loses nothing that counts") {
  OneJournal node;
  node.fill(2 * kRecordsAPiece + 100);
  (void)node.flush();
  std::string fresh = node.planner->begin_compaction();
  const auto journal_is_whole = [&] { return recovered(node.text).store.digest() == node.store->digest(); };
  for (std::string piece = node.planner->compaction_chunk(*node.store); !piece.empty();
       piece = node.planner->compaction_chunk(*node.store)) {
    fresh += piece;
    node.move("client1");  // which the copy holds already
    node.move("client" + std::to_string(kRecordsAPiece + 50));
    (void)node.flush();
    CHECK(journal_is_whole());
  }
  node.move("client7");
  fresh += node.planner->finish_compaction(*node.store, {});
  CHECK(node.planner->durable() < node.tail());
  CHECK(recovered(node.text).store.size() == node.store->size());
  node.text = fresh;
  (void)node.planner->flush_written(*node.store);
  CHECK_FALSE(node.planner->compacting());
  CHECK(node.planner->durable() == node.tail());
  CHECK(journal_is_whole());
  node.move("client8");
  (void)node.flush();
  CHECK(journal_is_whole());
}

TEST_CASE("a copy that failed, or was given up, leaves the journal to go on") {
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
  SECTION("it was given up") {
    node.planner->abandon_compaction();
  }
  CHECK_FALSE(node.planner->compacting());
  CHECK(node.planner->durable() == 10);
  (void)node.flush();
  CHECK(recovered(node.text).store.digest() == node.store->digest());
}

TEST_CASE("a new life begins with the number that it goes on from") {
  OneJournal node;
  node.fill(1);
  (void)node.flush();
  node.restart();
  const ChangeNumber base = node.tail();
  CHECK(recovered(node.text).run.base == base + kRunGap);
}

TEST_CASE("a renewed feed is written by the next pass, before its records, and again if that pass fails") {
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
  const RecoveredState memory = recovered(node.text);
  CHECK(memory.run.feed_id == kJournalFeed + 5);
  CHECK(memory.runs.list() == std::vector<Run>{{42, 1}});
  CHECK(memory.store.number_of("kiwi") == 1);
}

TEST_CASE("a feed that is renewed while the journal is copied is the one that the copy ends with") {
  for (const bool before_the_end : {true, false}) {
    OneJournal node;
    node.move("kiwi");
    std::string copy = node.planner->begin_compaction();
    if (before_the_end) node.planner->renew({kJournalFeed + 5, node.tail(), 42});
    copy += node.planner->finish_compaction(*node.store, {});
    if (!before_the_end) node.planner->renew({kJournalFeed + 5, node.tail(), 42});
    (void)node.planner->flush_written(*node.store);
    node.text = copy;
    CHECK(node.planner->wants_run() != before_the_end);
    if (!before_the_end) (void)node.flush();
    CHECK(recovered(node.text).run.feed_id == kJournalFeed + 5);
  }
}

TEST_CASE("a copy lists all runs of the feed") {
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
