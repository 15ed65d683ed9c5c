// The journal's schedule: decides when the journal's file is checked, when a flush or a chunk of a compaction is
// written, and what follows from the result. The replica's planner (bus/journal/journal_planner.hpp) decides what the
// bytes are; a disk (bus/loop/disk.hpp) carries the jobs out, one at a time.
//
// A flush is due when changes are not written; if no reply waits for the journal, it waits a little, so that a client
// that reports twice is written once. When the file has grown far beyond its live records, a compaction writes them
// into a new file, which then replaces it; its chunks alternate with flushes.
//
// A reply may leave only for records that the next start would read. So with each write, and once per second without
// one, the disk checks that the file still has the journal's name and is as this node wrote it. If another program has
// removed, replaced, truncated or changed it, the flush does not count, and a compaction writes the journal anew from
// the store. Until that is done, no flush counts, so no reply that waits for the journal leaves.
//
// Owned by the node. Pure; loop thread only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bus/loop/disk.hpp"
#include "bus/replica/replica.hpp"
#include "protocol/clock.hpp"

namespace herd::bus {

// Something that the operator should know. Its log line is written by the node (node/journal/journal_log.hpp).
struct JournalEvent {
  enum class Kind : std::uint8_t {
    Failing,            // writes or checks fail, or the disk does not answer; `text` is the reason
    Recovered,          // ... and succeed again
    Lost,               // a sync failed, so the node stops; `text` is the reason
    SetAside,           // a foreign file had the journal's name; `text` is the name that it has now
    DirectoryRestored,  // the state directory or its lock file was missing, and was created again
    Compacted,          // a compaction has replaced the journal; `text` is the length of the new file in bytes
  };
  Kind kind = Kind::Failing;
  std::string text;
};

class Journal {
 public:
  struct Options {
    bool sync = false;             // each flush is synced
    std::uint64_t live_bytes = 0;  // the estimated size of a compacted journal, from recovery
    // A compaction is due when the file is larger than twice its live bytes plus this, and no flush is due; or plus 16
    // times this.
    std::uint64_t compact_beyond = std::uint64_t{64} * 1024 * 1024;
  };
  // `disk` must outlive the journal. The run that begins is in the file already (JournalPlanner::begin_run()).
  Journal(Disk& disk, const Options& options) : disk_(disk), options_(options), live_bytes_(options.live_bytes) {}

  // Call it in each loop iteration: takes the result of a finished job, and begins the next one that is due. False if a
  // sync of the file or of its directory failed: it is then unknown which of the latest writes are on disk, so the node
  // must stop without another reply.
  [[nodiscard]] bool advance(Replica& replica, protocol::Now now);

  // When advance() must be called even if no job is done, in steady time; max() if it need not be called.
  [[nodiscard]] protocol::Nanoseconds next_deadline(const Replica& replica) const;

  // Makes the next advance() check the file, without waiting for the next second. confirmed(): when a check last
  // succeeded, in steady time.
  void check_soon() { next_check_ = {}; }
  [[nodiscard]] protocol::Nanoseconds confirmed() const { return confirmed_; }

  // Why the journal does not work now: the last write or check failed, or the disk has not answered for 3 s. Empty if
  // it works. The journal tries again until it succeeds.
  [[nodiscard]] const std::string& trouble() const { return trouble_; }

  // The events since the last call, in order.
  [[nodiscard]] std::vector<JournalEvent> take_events();

  struct Counters {
    std::uint64_t flushes = 0;
    std::uint64_t bytes = 0;        // written, including compactions
    std::uint64_t failures = 0;     // of writes and checks
    std::uint64_t compactions = 0;  // completed: the new file has replaced the journal
    std::uint64_t repairs = 0;      // of these, the ones that replaced a file that another program removed or changed
  };
  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  void begin(JournalJob job, protocol::Now now);
  void finish(const JournalJob& job, Replica& replica, protocol::Now now);
  void note_success(const JournalJob& job, Replica& replica, protocol::Now now);
  void note_failure(const JournalJob& job, Replica& replica, protocol::Now now);
  void note_trouble(std::string trouble);
  void note(JournalEvent::Kind kind, std::string text = {}) { events_.push_back({kind, std::move(text)}); }
  void watch_for_stall(protocol::Now now);
  [[nodiscard]] protocol::Nanoseconds flush_due_at(const Replica& replica) const;
  [[nodiscard]] bool flush_due(const Replica& replica, protocol::Now now);
  [[nodiscard]] bool compaction_due(std::uint64_t factor) const;
  [[nodiscard]] bool check_due(protocol::Now now) const { return blocked_ || now.steady >= next_check_; }
  [[nodiscard]] std::optional<JournalJob> next_job(Replica& replica, protocol::Now now);
  void add_chunk(JournalJob& job, Replica& replica, protocol::Now now);

  Disk& disk_;
  const Options options_;
  bool busy_ = false;  // the disk has a job
  std::string trouble_;
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
  bool chunk_next_ = false;  // chunks of a compaction alternate with flushes
  std::uint64_t live_bytes_;
  Counters counters_;
  std::vector<JournalEvent> events_;
};

}  // namespace herd::bus
