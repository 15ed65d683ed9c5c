// The journal on disk: one file, appended to by a thread of its own, so that no disk ever holds the loop up. What goes
// into it is decided by the replica (bus/journal/journal_planner.hpp); here are the file, its writer, and when to
// write.
//
// The loop's thread calls everything; the writer's thread has at most one job at a time and touches nothing else. The
// file is `journal` in the node's state directory; `journal.next` is a copy in the making, which replaces it when the
// file has grown far beyond what is live.
//
// A reply may leave only for what the next start would read. So after each write, and once a second without one, the
// writer's thread looks whether the file is still the one with the journal's name and as it was written. If another
// program has removed, replaced, truncated or changed it, the pass does not count, and the file is written anew from
// the store, as a copy is. Until then nothing is acknowledged by it.
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
    bus::RecoveredState memory;
  };

  // Reads what stands in `directory`, cuts off a torn tail (and says so in the log), and makes it ready to be appended
  // to. An Error if it is damaged: it then says how to go on without it. `holder` has locked the directory and outlives
  // the journal, which keeps the lock in place from its thread; nullptr for a directory that is not locked.
  [[nodiscard]] static protocol::Result<Opened> open(const std::filesystem::path& directory, Acknowledge level,
                                                     std::uint64_t fresh_feed_id, StateDir* holder = nullptr);

  // Takes the journal of a node out of the way, for a start with a new feed: the peers give everything back. Returns
  // where it was moved to, which is a new name each time; nothing if there was none.
  [[nodiscard]] static protocol::Result<std::optional<std::filesystem::path>> discard(
      const std::filesystem::path& directory);

  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // Writes and syncs what must be on disk before the replica is told anything.
  [[nodiscard]] protocol::Result<void> begin_run(bus::Replica& replica);

  // Readable when a write is done: then call turn().
  [[nodiscard]] int descriptor() const { return done_descriptor_; }

  // Once a turn: takes note of a write that is done, and begins the next one that is due. False if the disk has failed
  // in a way that nothing written lately can be relied on: the node must stop.
  [[nodiscard]] bool turn(bus::Replica& replica, protocol::Now now);

  // When turn() must be called even if no write is done; max() for never.
  [[nodiscard]] protocol::Nanoseconds next_deadline(const bus::Replica& replica) const;

  // Asks for a look at the file now, without waiting for the next second. confirmed(): when a look last found it sound.
  void check_soon() { next_check_ = {}; }
  [[nodiscard]] protocol::Nanoseconds confirmed() const { return confirmed_; }

  // Why the last write or look failed, empty if it did not. The journal tries again until it succeeds.
  [[nodiscard]] const std::string& trouble() const { return trouble_; }

  struct Counters {
    std::uint64_t flushes = 0;
    std::uint64_t bytes = 0;  // appended, copies included
    std::uint64_t failures = 0;
    std::uint64_t copies = 0;   // that took the journal's place
    std::uint64_t repairs = 0;  // of them, those that took the place of a file that was lost or changed by others
  };
  [[nodiscard]] const Counters& counters() const { return counters_; }
  [[nodiscard]] std::uint64_t file_bytes() const { return file_bytes_; }

 private:
  using Job = JournalJob;
  using FileState = JournalFile::State;

  Journal(std::unique_ptr<JournalFile> file, Acknowledge level, StateDir* holder);

  void write_jobs();
  void start(Job job, protocol::Now now);
  void finish(bus::Replica& replica, protocol::Now now);
  void note_success(bus::Replica& replica, protocol::Now now);
  void note_failure(bus::Replica& replica, protocol::Now now);
  void note_trouble(std::string trouble, protocol::Now now);
  void watch_for_stall(protocol::Now now);
  // Replies wait for it, here or at peers.
  [[nodiscard]] bool is_awaited(const bus::Replica& replica) const;
  [[nodiscard]] protocol::Nanoseconds flush_due_at(const bus::Replica& replica) const;
  [[nodiscard]] bool flush_due(const bus::Replica& replica, protocol::Now now);
  [[nodiscard]] bool compaction_due() const;
  [[nodiscard]] bool check_due(protocol::Now now) const { return blocked_ || now.steady >= next_check_; }
  [[nodiscard]] std::optional<Job> next_job(bus::Replica& replica, protocol::Now now);
  void next_chunk(Job& job, bus::Replica& replica, protocol::Now now);

  std::unique_ptr<JournalFile> file_;  // the thread's while a job is under way
  StateDir* holder_;                   // as well; may be nullptr
  Acknowledge level_;
  int done_descriptor_ = -1;

  Job job_;            // the thread's while busy_
  bool busy_ = false;  // a job was handed over and not taken back
  std::atomic<bool> done_ = false;
  std::atomic<bool> stop_ = false;
  std::binary_semaphore work_{0};

  std::string trouble_;
  RateLimit troubles_;                   // of their lines in the log
  std::optional<FileState> lost_;        // what the file was found to be: it is to be written anew, and no pass counts
  bool blocked_ = false;                 // no pass is written before a check has succeeded
  bool stalled_ = false;                 // the job takes so long that it is reported as trouble
  bool late_ = false;                    // it takes long, and was given one second more
  protocol::Nanoseconds stall_at_{};     // when the job takes too long
  protocol::Nanoseconds next_check_{};   // of the file, without a write
  protocol::Nanoseconds confirmed_{};    // when the last check succeeded
  protocol::Nanoseconds next_repair_{};  // not before
  protocol::Nanoseconds times_count_at_{};  // from then on a modification time alone shows that the file was changed
  protocol::Nanoseconds last_flush_{};
  std::optional<protocol::Nanoseconds> wanted_since_;  // the next pass, as turn() has seen
  protocol::Nanoseconds retry_at_{};
  bool piece_next_ = false;  // pieces of a copy take turns with passes
  std::uint64_t file_bytes_ = 0;
  std::uint64_t live_bytes_ = 0;  // about what a copy would have, when it was last known
  Counters counters_;
  std::thread thread_;  // last: it uses the others
};

}  // namespace herd::node
