// One node's store, its keeper and the text of its journal, in a test's hands: the test is the disk.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bus/journal/journal_planner.hpp"
#include "bus/journal/recovery.hpp"
#include "bus/store/store.hpp"
#include "tests/bus/sample_update.hpp"

namespace herd::bus {

inline constexpr std::uint64_t kJournalFeed = 77;
inline constexpr std::uint64_t kHashSeed = 1;
inline constexpr std::uint64_t kFirstRun = 501;  // the incarnation of the first run; each has the next

inline RecoveredState recovered(std::string_view text, std::uint64_t fresh_feed_id = kJournalFeed) {
  auto memory = recover(text, fresh_feed_id, kHashSeed);
  if (!memory) throw std::runtime_error(memory.error().message);
  return std::move(*memory);
}

class OneJournal {
 public:
  std::string text;
  std::unique_ptr<Store> store;
  std::unique_ptr<JournalPlanner> planner;
  std::vector<PeerCursor> cursors;

  OneJournal() { live(recovered({})); }

  // The process died; what stands in `text` is on the disk. The next life goes by another feed id if it cannot tell.
  void restart() { live(recovered(text, kJournalFeed + 1)); }

  [[nodiscard]] ChangeNumber tail() const { return store->feed().tail(); }

  // A client moves. Each time is later than the one before, also over restarts.
  void move(const std::string& client) {
    const std::string time = std::to_string(++moves_);
    protocol::Update update = sample_update(client, tail() + 1);
    update.time_text = time;
    update.time = std::chrono::seconds(moves_);
    (void)store->merge(update, kFromClient);
  }
  void fill(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) move("client" + std::to_string(moves_));
  }

  // One pass, written. Returns the peers' cursors that it keeps.
  std::vector<PeerCursor> flush() {
    text += planner->begin_flush(*store, cursors);
    return planner->flush_written(*store);
  }

  // A whole copy takes the journal's place.
  void copy() {
    std::string fresh = planner->begin_compaction();
    for (std::string piece = planner->compaction_chunk(*store); !piece.empty();
         piece = planner->compaction_chunk(*store)) {
      fresh += piece;
    }
    text = fresh + planner->finish_compaction(*store, cursors);
    (void)planner->flush_written(*store);
  }

 private:
  void live(RecoveredState memory) {
    text.resize(memory.valid_bytes);
    cursors = memory.cursors;
    store = std::make_unique<Store>(std::move(memory.store));
    memory.run.incarnation = kFirstRun + runs_++;
    planner = std::make_unique<JournalPlanner>(memory.run, std::move(memory.runs), memory.cursor, memory.sequence);
    text += planner->begin_run();
  }

  std::uint32_t moves_ = 0;
  std::uint64_t runs_ = 0;
};

}  // namespace herd::bus
