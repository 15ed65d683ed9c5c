// The journal planner decides what the journal writes next, and knows which changes are durable. It is a reader of the
// feed with a cursor of its own. It does no I/O: it returns bytes, bus/loop/journal.hpp has them written by a thread of
// its own, and then reports the result here. Pure; owned by the replica, used on the loop's thread only.
//
// A flush writes all changes since the last one:
//
//   begin_flush()              reads the feed after the cursor and returns the bytes to append to the journal
//   flush_written()            they are on disk: the cursor moves, and durable() states which replies may leave
//   or flush_failed()          nothing of them is on disk: the next flush reads the same changes again
//
// On disk means written, and synced if the node's level of acknowledgement demands it; the caller does both.
//
// A flush counts, that is, makes changes durable, only if it reached the tail of the feed; then it ends with a commit
// mark. One that stops earlier (records_per_flush) proves nothing about a given change. Example: a client has change 5,
// and reports again before the flush reads 5; its record is change 9 now. A flush that stops at 7 has passed 5 without
// writing the client. A flush to the tail has written everything that was live at one moment, in that state or a newer
// one.
//
// A compaction writes the live records into a new file that then replaces the journal. It goes on piece by piece while
// flushes continue to write the old file:
//
//   begin_compaction()         the first bytes of the new file: all runs of the feed
//   compaction_chunk() …       the next pieces, until one is empty
//   finish_compaction()        the last piece. This is a flush: flush_written() or flush_failed() must follow
//
// The new file numbers its frames from 1. Its pieces need no report; abandon_compaction() if one cannot be written.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "bus/journal/journal_frames.hpp"
#include "bus/store/runs.hpp"
#include "bus/store/store.hpp"

namespace herd::bus {

// The most records of one flush: about 5 ms of the loop's time.
inline constexpr std::size_t kMaxRecordsPerFlush = 65'536;

struct JournalPlannerLimits {
  // The most records of one flush. If a flush does not reach the tail, the next may have twice as many, up to
  // kMaxRecordsPerFlush; after one that reaches the tail, this limit applies again. So flushes catch up, however many
  // changes arrive while one is written.
  std::size_t records_per_flush = 65'536;
  // The most records of one piece of a compaction: about 1 ms. After a piece that reaches the changes that came since
  // the compaction began, the next may have twice as many, up to kMaxRecordsPerFlush. So a compaction catches up,
  // however many changes arrive while a piece is written.
  std::size_t records_per_chunk = 4'096;
};

class JournalPlanner {
 public:
  // `run`: the run that begins. `runs`: the earlier runs of its feed. `cursor`: up to which change the recovered
  // journal contains the feed. `sequence`: of the journal's last frame. For a new journal the last three are empty or
  // 0.
  JournalPlanner(RunFrame run, Runs runs, ChangeNumber cursor, std::uint64_t sequence, JournalPlannerLimits limits = {})
      : limits_(limits), run_(run), runs_(std::move(runs)), writer_(sequence), cursor_(cursor), durable_(cursor) {
    runs_.begin({run_.incarnation, run_.base});
  }

  // The bytes that must be in the journal, synced, before this run gives out its first change number. Call it once,
  // before the first begin_flush(). It is not a flush: no flush_written() follows. If the write fails, the node must
  // not start.
  [[nodiscard]] std::string begin_run();

  // The node renews its feed (docs/PROTOCOL.md, rule 24): `run` is the first run of the new feed. The next
  // begin_flush() writes it before anything else. Allowed at any time, also during a flush or a compaction.
  void renew(RunFrame run);
  // Whether a renewed feed's run is neither in the journal nor in the flush in progress: then a flush is needed even
  // without changes.
  [[nodiscard]] bool wants_run() const { return run_due_; }
  // The runs of the present feed; the last is the present run.
  [[nodiscard]] const Runs& runs() const { return runs_; }

  // Whether records changed since the last flush that was written. During a flush it does not count that flush.
  [[nodiscard]] bool wants_records(const Store& store) const { return store.feed().tail() > cursor_; }
  // Whether the peers' cursors differ from those of the last flush of this run that counted: then a flush is needed
  // even without changes. At the start, with peers, it is true.
  [[nodiscard]] bool wants_cursors(const std::vector<PeerCursor>& cursors) const { return cursors != marked_; }

  // Begins the next flush and returns its bytes, to be appended to the journal; never empty. `cursors`: this
  // node's present positions in its peers' feeds. No other flush may be in progress; that fails an assertion. A
  // compaction may be, before finish_compaction().
  [[nodiscard]] std::string begin_flush(Store& store, const std::vector<PeerCursor>& cursors);

  // The flush is on disk. Returns the peers' cursors that are durable by it; empty if it did not reach the tail.
  [[nodiscard]] std::vector<PeerCursor> flush_written(Store& store);

  // The flush failed, and the caller has removed its bytes from the file: the next flush reads the same changes again,
  // and gives its frames the same sequence numbers. If the bytes cannot be removed, or it is unknown what is on disk,
  // the journal must be written anew by a compaction, or the node must stop.
  void flush_failed(Store& store);

  // Whether a flush is in progress: neither flush_written() nor flush_failed() was called since it began.
  [[nodiscard]] bool in_flush() const { return in_flush_; }

  // All live changes up to here are on disk.
  [[nodiscard]] ChangeNumber cursor() const { return cursor_; }

  // The tail that the last counting flush reached. Every record with a change number up to it is on disk, in that state
  // or a newer one, so replies that wait for these numbers may leave.
  [[nodiscard]] ChangeNumber durable() const { return durable_; }

  // Begins a compaction: returns the first bytes of the new file. Flushes may go on between its pieces.
  [[nodiscard]] std::string begin_compaction();
  // The next piece, to be appended to the new file. Empty if less than one piece is left: then call
  // finish_compaction().
  [[nodiscard]] std::string compaction_chunk(const Store& store);
  // The last piece, which is a flush to the tail; no other flush may be in progress. Call it at once after the empty
  // chunk: then it has fewer records than that chunk might have had. Call flush_written() when it is on disk and the
  // new file has replaced the journal. flush_failed() abandons the compaction.
  [[nodiscard]] std::string finish_compaction(Store& store, const std::vector<PeerCursor>& cursors);
  // Ends a compaction before finish_compaction(). The caller removes the new file. No effect without a compaction.
  void abandon_compaction() { compacting_ = false; }
  [[nodiscard]] bool compacting() const { return compacting_; }

 private:
  void begin(Store& store, ChangeNumber to, bool complete);

  JournalPlannerLimits limits_;
  RunFrame run_;          // the present run
  Runs runs_;             // this and the earlier runs of its feed
  bool run_due_ = false;  // the present run is not in the journal yet
  FrameWriter writer_;
  ChangeNumber cursor_;  // all live changes up to here are on disk
  ChangeNumber durable_;
  std::vector<PeerCursor> marked_;  // the peers' cursors in the journal

  bool in_flush_ = false;
  struct Flush {
    ChangeNumber to = 0;                // the last change that it read
    bool complete = false;              // it reached the tail
    bool is_compaction = false;         // it is the last piece of a compaction
    bool has_run = false;               // it contains the present run
    std::uint64_t sequence_before = 0;  // of the last frame before it
    std::vector<PeerCursor> cursors;    // in its commit mark
  };
  Flush flush_;
  std::size_t grown_ = 0;  // the most records of the next flush, after one that did not reach the tail; else 0

  bool compacting_ = false;
  FrameWriter compaction_writer_;
  ChangeNumber compaction_cursor_ = 0;
  ChangeNumber compaction_tail_ = 0;  // the feed's tail at the first piece; 0: no piece was asked for yet
  std::size_t chunk_records_ = 0;     // the most records of the next piece
  bool compaction_run_due_ = false;   // the present run is not in the new file yet
};

}  // namespace herd::bus
