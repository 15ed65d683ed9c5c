// The journal on disk: one file, written by a thread of its own, so that the disk never blocks the loop. The replica's
// planner (bus/journal/journal_planner.hpp) decides what is written. This class decides when, and owns the file and the
// writer's thread.
//
// Owned by the node. The loop's thread calls all functions. The writer's thread has at most one job at a time, and
// touches only the job, the file, and the lock of the state directory. The file is `journal` in the node's state
// directory. When it has grown far beyond its live records, a compaction writes them into `journal.next`, which then
// replaces it.
//
// A reply may leave only for records that the next start would read. So after each write, and once per second without
// one, the writer's thread checks that the file still has the journal's name and is as this node wrote it. If another
// program has removed, replaced, truncated or changed it, the flush does not count, and a compaction writes the journal
// anew from the store. Until that is done, no flush counts, so no reply that waits for the journal leaves.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <semaphore>
#include <string>
#include <thread>

#include "bus/journal/recovery.hpp"
#include "bus/replica/replica.hpp"
#include "node/base/rate_limit.hpp"
#include "node/config/config.hpp"
#include "node/journal/journal_job.hpp"
#include "protocol/result.hpp"

namespace herd::node {

class Journal {
 public:
  struct Opened {
    std::unique_ptr<Journal> journal;
    bus::RecoveredState recovered;
  };

  // Opens or creates the journal in `directory`, recovers its state, and cuts off a torn tail, with a warning in the
  // log. `level` states when updates are acknowledged. `fresh_feed_id` becomes the feed id if there is no journal yet.
  // An Error if the file is damaged in its middle, is of another release, or cannot be read or written; its text states
  // how to continue. `state_dir` holds the directory's lock, and must outlive the journal; its thread checks and
  // restores the lock file. nullptr: the directory is not locked.
  [[nodiscard]] static protocol::Result<Opened> open(const std::filesystem::path& directory, Acknowledge level,
                                                     std::uint64_t fresh_feed_id, StateDir* state_dir = nullptr);

  // Moves the journal away, for a start with a new feed and an empty store, which the peers then fill. Returns the new
  // path, which never replaces an earlier discarded journal; nullopt if there was no journal. An Error if it cannot be
  // moved.
  [[nodiscard]] static protocol::Result<std::optional<std::filesystem::path>> discard(
      const std::filesystem::path& directory);

  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // Writes and syncs the base of the new run. Call it once, before the replica gives out its first change number, and
  // before advance().
  [[nodiscard]] protocol::Result<void> begin_run(bus::Replica& replica);

  // An eventfd that becomes readable when a job is done: then call advance(). Owned by the journal.
  [[nodiscard]] int descriptor() const { return done_descriptor_; }

  // Call it in each loop iteration: takes the result of a finished job, and starts the next one that is due. False if a
  // sync of the file or of its directory failed: it is then unknown which of the latest writes are on disk, and the
  // node must stop.
  [[nodiscard]] bool advance(bus::Replica& replica, protocol::Now now);

  // When advance() must be called even if no job is done, in steady time; max() if it need not be called.
  [[nodiscard]] protocol::Nanoseconds next_deadline(const bus::Replica& replica) const;

  // Makes the next advance() check the file, without waiting for the next second. confirmed(): when a check last
  // succeeded, in steady time.
  void check_soon() { next_check_ = {}; }
  [[nodiscard]] protocol::Nanoseconds confirmed() const { return confirmed_; }

  // Why the journal does not work now: the last write or check failed, or the disk has not answered for 3 s. Empty if
  // it works. The journal tries again until it succeeds.
  [[nodiscard]] const std::string& trouble() const { return trouble_; }

  struct Counters {
    std::uint64_t flushes = 0;
    std::uint64_t bytes = 0;        // written, including compactions
    std::uint64_t failures = 0;     // of writes and checks
    std::uint64_t compactions = 0;  // completed: the new file has replaced the journal
    std::uint64_t repairs = 0;      // of these, the ones that replaced a file that another program removed or changed
  };
  [[nodiscard]] const Counters& counters() const { return counters_; }
  [[nodiscard]] std::uint64_t file_bytes() const { return file_bytes_; }

 private:
  using Job = JournalJob;
  using FileState = JournalFile::State;

  Journal(std::unique_ptr<JournalFile> file, Acknowledge level, StateDir* state_dir);

  void write_jobs();
  void start(Job job, protocol::Now now);
  void finish(bus::Replica& replica, protocol::Now now);
  void note_success(bus::Replica& replica, protocol::Now now);
  void note_failure(bus::Replica& replica, protocol::Now now);
  void note_trouble(std::string trouble, protocol::Now now);
  void watch_for_stall(protocol::Now now);
  // Whether replies wait for the journal, at this node or at peers.
  [[nodiscard]] bool is_awaited(const bus::Replica& replica) const;
  [[nodiscard]] protocol::Nanoseconds flush_due_at(const bus::Replica& replica) const;
  [[nodiscard]] bool flush_due(const bus::Replica& replica, protocol::Now now);
  [[nodiscard]] bool compaction_due() const;
  [[nodiscard]] bool check_due(protocol::Now now) const { return blocked_ || now.steady >= next_check_; }
  [[nodiscard]] std::optional<Job> next_job(bus::Replica& replica, protocol::Now now);
  void next_chunk(Job& job, bus::Replica& replica, protocol::Now now);

  std::unique_ptr<JournalFile> file_;  // used by the writer's thread while busy_, else by the loop's
  StateDir* state_dir_;                // the same threads as file_; may be nullptr
  Acknowledge level_;
  int done_descriptor_ = -1;

  Job job_;            // the same threads as file_
  bool busy_ = false;  // the writer's thread has a job, and advance() has not taken its result yet
  std::atomic<bool> done_ = false;
  std::atomic<bool> stop_ = false;
  std::binary_semaphore work_{0};

  std::string trouble_;
  RateLimit log_limit_;                     // of error lines about trouble
  std::optional<FileState> lost_;           // the file is not sound: it must be written anew, and no flush counts
  bool blocked_ = false;                    // no flush is written before a check has succeeded
  bool stalled_ = false;                    // the job takes so long that it is reported as trouble
  bool late_ = false;                       // the job has taken kLateAfter, and gets kStalledAfter more
  protocol::Nanoseconds stall_at_{};        // when the present job becomes late, or stalled
  protocol::Nanoseconds next_check_{};      // when the next check without a write is due
  protocol::Nanoseconds confirmed_{};       // when the last check succeeded
  protocol::Nanoseconds next_repair_{};     // no repair begins before
  protocol::Nanoseconds times_count_at_{};  // from then on a new modification time alone counts as a change of the file
  protocol::Nanoseconds last_flush_{};
  std::optional<protocol::Nanoseconds> wanted_since_;  // when advance() first saw that the next flush is wanted
  protocol::Nanoseconds retry_at_{};
  bool chunk_next_ = false;  // during a compaction, its chunks alternate with flushes
  std::uint64_t file_bytes_ = 0;
  std::uint64_t live_bytes_ = 0;  // the estimated size of a compacted journal, from recovery or the last compaction
  Counters counters_;
  std::thread thread_;  // last: it uses the other members
};

}  // namespace herd::node
