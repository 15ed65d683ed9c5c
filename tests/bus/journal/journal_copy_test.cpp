// Copies of a journal: they contain the same records, are recognised if something is missing, and start a new feed.
#include "bus/journal/journal_copy.hpp"

#include <string>

#include "tests/bus/one_journal.hpp"
#include "tests/catch.hpp"

using namespace herd::bus;

namespace {

constexpr std::uint64_t kFresh = 999;

std::string copy_of(const std::string& text) {
  const RecoveredState state = recovered(text);
  JournalCopy copy(state, "Hill", std::chrono::seconds(1'700'000'000));
  std::string out;
  for (std::string piece = copy.next(); !piece.empty(); piece = copy.next()) out += piece;
  return out;
}

}  // namespace

TEST_CASE("a copy has the records, the change numbers and the positions of the journal") {
  OneJournal node;
  node.fill(5'000);
  node.move("client0");
  node.cursors = {{"Smith", 201, {5, 6, 4}}};
  (void)node.flush();
  const RecoveredState original = recovered(node.text);
  const std::string text = copy_of(node.text);
  const RecoveredState state = recovered(text, kFresh);
  CHECK(state.valid_bytes == text.size());
  CHECK(state.store.digest() == original.store.digest());
  CHECK(state.store.number_of("client0") == 5'001);
  CHECK(state.store.number_of("client4999") == 5'000);
  CHECK(state.cursors == node.cursors);
  REQUIRE(state.copy);
  CHECK(state.copy->node == "Hill");
  CHECK(state.copy->made == std::chrono::seconds(1'700'000'000));
  CHECK(state.copy->clients == 5'000);
  CHECK(state.records == 5'000);  // superseded records are left out
}

TEST_CASE("a copy of an empty journal can be recovered") {
  const OneJournal node;
  const RecoveredState state = recovered(copy_of(node.text), kFresh);
  CHECK(state.store.size() == 0);
  CHECK(state.run.feed_id == kFresh);
}

TEST_CASE("a start with a copy begins a new feed, above all change numbers of the original") {
  OneJournal node;
  node.fill(3);
  (void)node.flush();
  const ChangeNumber original_base = recovered(node.text).run.base;
  const RecoveredState state = recovered(copy_of(node.text), kFresh);
  CHECK(state.run.feed_id == kFresh);
  CHECK(state.runs.list().empty());
  CHECK(state.run.base > original_base);
  CHECK(recovered(copy_of(node.text), kFresh + 1).run.feed_id == kFresh + 1);
}

TEST_CASE("the feed that a node began with a copy continues at its next start") {
  OneJournal node;
  node.fill(3);
  (void)node.flush();
  node.text = copy_of(node.text);
  node.restart();  // the feed id kJournalFeed + 1
  node.move("kiwi");
  (void)node.flush();
  const RecoveredState state = recovered(node.text, kFresh);
  CHECK(state.run.feed_id == kJournalFeed + 1);
  CHECK_FALSE(state.copy);
  CHECK(state.store.size() == 4);
  CHECK(state.runs.list().size() == 1);
  node.compact();
  CHECK(recovered(node.text, kFresh).run.feed_id == kJournalFeed + 1);
}

TEST_CASE("a crash in the first write of a node that began with a copy leaves the copy") {
  OneJournal node;
  node.fill(3);
  (void)node.flush();
  const std::string copy = copy_of(node.text);
  node.text = copy;
  node.restart();
  for (std::size_t size = copy.size(); size < node.text.size(); ++size) {
    const RecoveredState state = recovered(node.text.substr(0, size), kFresh);
    REQUIRE(state.valid_bytes == copy.size());
    REQUIRE(state.run.feed_id == kFresh);
  }
}

TEST_CASE("a copy of which the end is missing is refused, wherever it ends") {
  OneJournal node;
  node.fill(200);
  (void)node.flush();
  const std::string text = copy_of(node.text);
  const std::size_t first = kFrameHeadBytes + 4;  // in the first frame, which alone is no copy
  for (std::size_t size = first + 40; size < text.size(); ++size) {
    const auto state = recover(text.substr(0, size), kFresh, kHashSeed);
    const bool counts_as_copy = state && (state->copy || state->records > 0);
    REQUIRE_FALSE(counts_as_copy);
  }
  const auto cut = recover(text.substr(0, text.size() - 1), kFresh, kHashSeed);
  REQUIRE_FALSE(cut);
  CHECK(cut.error().message == "it is a copy of a journal, and its end is missing");
  CHECK_FALSE(cut.error().is_of_another_release);
}

TEST_CASE("a copy without a frame of its records is refused") {
  OneJournal node;
  node.fill(3);
  (void)node.flush();
  const RecoveredState state = recovered(node.text);
  for (const bool same_number : {true, false}) {
    std::string text;
    FrameWriter writer;
    writer.run(text, {kJournalFeed, 0, 0});
    writer.copy(text, {"Hill", {}, same_number ? 3U : 4U, state.store.digest() + (same_number ? 1 : 0)});
    Feed::Reader reader = state.store.feed().read_after(0);
    (void)writer.records(text, reader, state.store, 100);
    writer.mark(text, {3, {}});
    const auto read = recover(text, kFresh, kHashSeed);
    REQUIRE_FALSE(read);
    CHECK(read.error().message == "it is a copy of a journal, and its records are not those that were copied");
  }
}

TEST_CASE("the frame of a copy is accepted only at the beginning") {
  OneJournal node;
  node.fill(3);
  (void)node.flush();
  const RecoveredState state = recovered(node.text);
  FrameWriter writer(state.sequence);
  writer.copy(node.text, {"Hill", {}, 3, state.store.digest()});
  CHECK_FALSE(recover(node.text, kFresh, kHashSeed));
}
