// What the journal holds of this node: one more reader of the feed. It puts together what is to be written next, a
// pass, and is told when that is on disk. It also copies the live records into a fresh journal, piece by piece, while
// passes go on. Pure: bytes come out, somebody else writes them (node/journal/journal.hpp). Owned by the replica.
//
// A pass reads to the tail and ends with a mark. Only then it counts: a record may move on while it is read, so
// reaching the number under which it was told proves nothing; having read all that was live at one moment does.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "bus/journal/journal_frames.hpp"
#include "bus/store/runs.hpp"
#include "bus/store/store.hpp"

namespace herd::bus {

// Some five milliseconds of the loop.
inline constexpr std::size_t kMaxRecordsPerFlush = 65'536;

struct JournalPlannerLimits {
  // Records of one pass. One that does not reach the tail does not count yet, and the next may have twice as many, up
  // to kMaxRecordsPerFlush: so passes catch up, however much is told while one is written.
  std::size_t records_per_flush = 65'536;
  // Records of one piece of a copy: about a millisecond.
  std::size_t records_per_chunk = 4'096;
};

class JournalPlanner {
 public:
  // `life`: of the run that begins. `runs`: the earlier ones of its feed. `cursor`: what a recovered journal holds
  // already. `sequence`: of its last frame.
  JournalPlanner(RunFrame run, Runs runs, ChangeNumber cursor, std::uint64_t sequence, JournalPlannerLimits limits = {})
      : limits_(limits), run_(run), runs_(std::move(runs)), writer_(sequence), cursor_(cursor), durable_(cursor) {
    runs_.begin({run_.incarnation, run_.base});
  }

  // What must stand in the journal before the first change number of this life is given out.
  [[nodiscard]] std::string begin_run();

  // The node renews its feed: this is the first run of the new one. The next pass writes it before anything else.
  void renew(RunFrame run);
  // Is the present run to be written yet? Then a pass is wanted even without changes.
  [[nodiscard]] bool wants_run() const { return run_due_; }
  // The runs of the present feed, the present one last.
  [[nodiscard]] const Runs& runs() const { return runs_; }

  // Did records change since the last pass?
  [[nodiscard]] bool wants_records(const Store& store) const { return store.feed().tail() > cursor_; }
  // Do the peers' cursors stand elsewhere than the journal says? Then a pass is wanted even without changes.
  [[nodiscard]] bool wants_cursors(const std::vector<PeerCursor>& cursors) const { return cursors != marked_; }

  // The next pass, to be appended to the journal. `cursors`: of the peers' feeds, as they are now. One at a time.
  [[nodiscard]] std::string begin_flush(Store& store, const std::vector<PeerCursor>& cursors);

  // The pass is on disk. The peers' cursors that are kept by it, empty if it did not reach the tail.
  [[nodiscard]] std::vector<PeerCursor> flush_written(Store& store);

  // Nothing of the pass is on disk; the next one reads it again.
  void flush_failed(Store& store);

  // A pass was begun and not yet answered for.
  [[nodiscard]] bool in_flush() const { return in_flush_; }

  // All live changes up to here are on disk.
  [[nodiscard]] ChangeNumber cursor() const { return cursor_; }

  // Whatever was live at this tail is on disk, or something newer.
  [[nodiscard]] ChangeNumber durable() const { return durable_; }

  // Begins a copy: what goes into the fresh journal first.
  [[nodiscard]] std::string begin_compaction();
  // The next piece of it, to be appended to the fresh journal; empty when little is left: then finish.
  [[nodiscard]] std::string compaction_chunk(const Store& store);
  // The last piece. It is a pass: once it is on disk, and the fresh journal has taken the old one's place,
  // flush_written() says so; flush_failed() gives the copy up.
  [[nodiscard]] std::string finish_compaction(Store& store, const std::vector<PeerCursor>& cursors);
  void abandon_compaction() { compacting_ = false; }
  [[nodiscard]] bool compacting() const { return compacting_; }

 private:
  void begin(Store& store, ChangeNumber to, bool complete);

  JournalPlannerLimits limits_;
  RunFrame run_;          // of the present run
  Runs runs_;             // it and the earlier ones of its feed
  bool run_due_ = false;  // the journal does not name it yet
  FrameWriter writer_;
  ChangeNumber cursor_;  // all live changes up to here are on disk
  ChangeNumber durable_;
  std::vector<PeerCursor> marked_;  // as the journal says

  bool in_flush_ = false;
  struct Flush {
    ChangeNumber to = 0;
    bool complete = false;  // it reached the tail
    bool is_compaction = false;
    bool has_run = false;  // it names the present run
    std::uint64_t sequence_before = 0;
    std::vector<PeerCursor> cursors;
  };
  Flush flush_;
  std::size_t grown_ = 0;  // records that the next pass may have, after one that did not reach the tail

  bool compacting_ = false;
  FrameWriter compaction_writer_;
  ChangeNumber compaction_cursor_ = 0;
  bool compaction_run_due_ = false;  // as run_due_, of the copy
};

}  // namespace herd::bus
