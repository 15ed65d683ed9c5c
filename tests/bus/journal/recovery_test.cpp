// Recovery: the records of the journal with their change numbers, and the state in which the new run begins.
#include "bus/journal/recovery.hpp"

#include <limits>
#include <string>
#include <vector>

#include "tests/bus/one_journal.hpp"
#include "tests/catch.hpp"

using namespace herd::bus;

TEST_CASE("each start skips 2^40 numbers, also after a run that wrote no records") {
  OneJournal node;
  CHECK(node.tail() == 0);
  node.fill(3);
  (void)node.flush();
  node.restart();
  CHECK(node.tail() == 3 + kRunGap);
  node.restart();
  CHECK(node.tail() == 3 + 2 * kRunGap);
  node.restart();
  node.move("client0");
  CHECK(node.tail() == 3 + 3 * kRunGap + 1);
}

TEST_CASE("numbers that were given out but never written are not given out again") {
  OneJournal node;
  node.fill(3);
  (void)node.flush();
  node.fill(5);  // sent to peers, and lost with the process
  const ChangeNumber lost = node.tail();
  node.restart();
  CHECK(node.tail() > lost);
  CHECK(node.store->size() == 3);
}

TEST_CASE("a journal with change numbers too high for another run is refused") {
  for (const bool fits : {true, false}) {
    std::string text;
    FrameWriter writer;
    writer.run(text, {kJournalFeed, std::numeric_limits<ChangeNumber>::max() - 2 * kRunGap + (fits ? 0 : 1)});
    CHECK(recover(text, 1, kHashSeed).has_value() == fits);
  }
}

TEST_CASE("a journal that ends within its first frame counts as empty, and its part of a frame is cut off") {
  std::string first;
  FrameWriter().run(first, {kJournalFeed, 0, kFirstRun});
  REQUIRE(first.size() <= kMaxRunFrameBytes);
  for (std::size_t size = 0; size < first.size(); ++size) {
    const auto state = recover(first.substr(0, size), 5, kHashSeed);
    REQUIRE(state);
    CHECK(state->valid_bytes == 0);
    CHECK(state->run.feed_id == 5);
  }
  CHECK(recovered(first).run.feed_id == kJournalFeed);
}

TEST_CASE("a text that is not a journal is refused, however short") {
  CHECK_FALSE(recover("x", 5, kHashSeed));
  CHECK_FALSE(recover("HX", 5, kHashSeed));
  std::string too_long(kFrameMagic);
  too_long.append(kMaxRunFrameBytes, 'x');
  CHECK_FALSE(recover(too_long, 5, kHashSeed));
}

TEST_CASE("records are recovered with their change numbers") {
  OneJournal node;
  node.fill(3);
  node.move("client0");
  (void)node.flush();
  node.restart();
  CHECK(node.store->number_of("client1") == 2);
  CHECK(node.store->number_of("client2") == 3);
  CHECK(node.store->number_of("client0") == 4);
  CHECK(node.store->size() == 3);
}

TEST_CASE("the feed id stays the same across restarts, and is new with a new journal") {
  OneJournal node;
  node.fill(1);
  (void)node.flush();
  for (int i = 0; i < 3; ++i) {
    node.restart();
    CHECK(recovered(node.text, 999).run.feed_id == kJournalFeed);
  }
  CHECK(recovered("", 999).run.feed_id == 999);
}

TEST_CASE("the peers' cursors are recovered as the last flush wrote them") {
  OneJournal node;
  node.fill(1);
  node.cursors = {{"Smith", 201, {5, 6, 4}}};
  (void)node.flush();
  node.cursors = {{"Smith", 201, {9, 7, 8}}, {"Jaquez", 301, {2, 8, 1}}};
  (void)node.flush();
  node.cursors = {{"Smith", 201, {20}}};
  (void)node.planner->begin_flush(*node.store, node.cursors);  // never written
  node.restart();
  CHECK(node.cursors == std::vector<PeerCursor>{{"Smith", 201, {9, 7, 8}}, {"Jaquez", 301, {2, 8, 1}}});
}

TEST_CASE("recovered changes count as durable, and as on disk when they are superseded") {
  OneJournal node;
  node.fill(2);
  (void)node.flush();
  node.restart();
  CHECK(node.planner->durable() == node.tail());
  node.move("client0");
  REQUIRE(node.store->superseded().entries().size() == 1);
  CHECK(node.store->superseded().entries()[0].old == 1);
}

TEST_CASE("a recovered record has no identity, and its former change number") {
  OneJournal node;
  node.move("kiwi");
  (void)node.flush();
  node.restart();
  const auto entry = node.store->feed().read_after(0).next();
  REQUIRE(entry);
  UpdateTexts texts;
  const auto update = node.store->update_at(entry->index, texts);
  CHECK(update.id.origin == "Hill");
  CHECK(update.id.run == 0);
  CHECK(entry->number == 1);
}
