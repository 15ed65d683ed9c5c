// One node's store, its journal planner and the text of its journal. The test takes the part of the disk.
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
inline constexpr std::uint64_t kFirstRun =
    501;  // the incarnation of the first run; each further run has the next number

inline RecoveredState recovered(std::string_view text, std::uint64_t fresh_feed_id = kJournalFeed) {
  auto state = recover(text, fresh_feed_id, kHashSeed);
  if (!state) throw std::runtime_error(state.error().message);
  return std::move(*state);
}

class OneJournal {
 public:
  std::string text;
  std::unique_ptr<Store> store;
  std::unique_ptr<JournalPlanner> planner;
  std::vector<PeerCursor> cursors;

  OneJournal() { start(recovered({})); }

  // The process died, and `text` is on disk. The next run has another feed id if the journal does not contain one.
  void restart() { start(recovered(text, kJournalFeed + 1)); }

  [[nodiscard]] ChangeNumber tail() const { return store->feed().tail(); }

  // A client reports. Each report has a later time than the one before, also across restarts.
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

  // One flush, written. Returns the peers' cursors that are durable by it.
  std::vector<PeerCursor> flush() {
    text += planner->begin_flush(*store, cursors);
    return planner->flush_written(*store);
  }

  // A complete compaction: the new file replaces the journal.
  void compact() {
    std::string fresh = planner->begin_compaction();
    for (std::string piece = planner->compaction_chunk(*store); !piece.empty();
         piece = planner->compaction_chunk(*store)) {
      fresh += piece;
    }
    text = fresh + planner->finish_compaction(*store, cursors);
    (void)planner->flush_written(*store);
  }

 private:
  void start(RecoveredState state) {
    text.resize(state.valid_bytes);
    cursors = state.cursors;
    store = std::make_unique<Store>(std::move(state.store));
    state.run.incarnation = kFirstRun + runs_++;
    planner = std::make_unique<JournalPlanner>(state.run, std::move(state.runs), state.cursor, state.sequence);
    text += planner->begin_run();
  }

  std::uint32_t moves_ = 0;
  std::uint64_t runs_ = 0;
};

}  // namespace herd::bus
