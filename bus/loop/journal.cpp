#include "bus/loop/journal.hpp"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include "bus/store/mutants.hpp"

namespace herd::bus {

using protocol::Nanoseconds;
using protocol::Now;
using namespace std::chrono_literals;

namespace {

// At `ack = "memory"` without replicas no reply waits for the journal, so a flush waits this long. A client that
// reports twice in this time is written once, and the writer's thread competes less with updates on their way to the
// peers.
constexpr Nanoseconds kLazyFlushDelay = 50ms;
// The delay of a flush that would write only the cursors of the peers' feeds.
constexpr Nanoseconds kCursorsOnlyDelay = 20ms;
// The delay after a failed write. It need not be short, because an operator must make room on a full disk.
constexpr Nanoseconds kRetryDelay = 250ms;
// The time between two checks of the file without a write, so that an operator who removes the file sees it in the log
// within seconds.
constexpr Nanoseconds kCheckPeriod = 1s;
// The time between two attempts to write the journal anew. Each of them may write gigabytes.
constexpr Nanoseconds kRepairPause = 1s;
// A new modification time of the file alone is no reason for a repair for this long after the last such repair. Some
// file systems change the time by themselves, and repairs would never end.
constexpr Nanoseconds kTimeIgnoredFor = 60s;
// A job that takes longer than both times together is reported: a disk, or the server of a network file system, does
// not answer. If the process itself was frozen, the job ends within the second time.
constexpr Nanoseconds kLateAfter = 2s;
constexpr Nanoseconds kStalledAfter = 1s;

// A compaction waits for a moment without a flush, because it ends with a sync that delays replies: under full load, at
// 50 MB a second, it would take a fifth of the throughput. It does not wait when the file has this many times
// Options::compact_beyond more than its live records need: 1 GiB in production.
constexpr std::uint64_t kOverdue = 16;

// Whether replies wait for the journal, at this node or at peers.
bool is_awaited(const Replica& replica) {
  return replica.durability().journal || replica.durability().replicas > 0;
}

}  // namespace

std::vector<JournalEvent> Journal::take_events() {
  return std::exchange(events_, {});
}

void Journal::begin(JournalJob job, Now now) {
  disk_.begin(std::move(job));
  busy_ = true;
  late_ = false;
  stall_at_ = now.steady + kLateAfter;
}

void Journal::finish(const JournalJob& job, Replica& replica, Now now) {
  busy_ = false;
  if (job.restored) note(JournalEvent::Kind::DirectoryRestored);
  if (!job.set_aside.empty()) note(JournalEvent::Kind::SetAside, job.set_aside);
  const bool failed = !job.trouble.empty() && !(mutated(Mutant::UnsoundFileCounts) && job.found != FileState::Sound);
  if (failed) {
    note_failure(job, replica, now);
  } else {
    note_success(job, replica, now);
  }
  stalled_ = false;
}

void Journal::note_failure(const JournalJob& job, Replica& replica, Now now) {
  ++counters_.failures;
  if (job.is_flush) replica.flush_failed();
  if (!mutated(Mutant::FailedCompactionGoesOn)) replica.planner().abandon_compaction();
  blocked_ = job.blocked;
  retry_at_ = now.steady + kRetryDelay;
  if (job.found != FileState::Sound) {
    lost_ = job.found;
    retry_at_ = std::max(now.steady, next_repair_);
    note_trouble(job.trouble + ": it is written anew");
  } else if (lost_) {
    retry_at_ = std::max(retry_at_, next_repair_);
    note_trouble(std::string(describe(*lost_)) + ", and cannot be written anew: " + job.trouble);
  } else {
    note_trouble(job.trouble);
  }
}

void Journal::note_trouble(std::string trouble) {
  if (trouble == trouble_) return;
  trouble_ = std::move(trouble);
  note(JournalEvent::Kind::Failing, trouble_);
}

void Journal::note_success(const JournalJob& job, Replica& replica, Now now) {
  counters_.bytes += job.bytes.size();
  if (job.check) confirmed_ = now.steady;
  if (job.replaces) {
    ++counters_.compactions;
    live_bytes_ = disk_.bytes();
    note(JournalEvent::Kind::Compacted, std::to_string(live_bytes_));
    if (lost_) ++counters_.repairs;
    if (lost_ == FileState::Changed) times_count_at_ = now.steady + kTimeIgnoredFor;
    lost_.reset();
  }
  if (job.is_flush) {
    ++counters_.flushes;
    replica.flush_written();
    const bool at_tail = replica.planner().durable() == replica.planner().cursor();
    if (at_tail) wanted_since_.reset();  // else the next part of a long flush is due at once
  }
  const bool ends_trouble = job.is_flush || blocked_ || stalled_;
  if (job.check) blocked_ = false;
  if (trouble_.empty() || !ends_trouble || lost_) return;
  note(JournalEvent::Kind::Recovered);
  trouble_.clear();
}

// A process that was frozen also sees a job that has taken too long. That job ends a moment later, so it gets more
// time.
void Journal::watch_for_stall(Now now) {
  if (now.steady < stall_at_) return;
  if (!std::exchange(late_, true)) {
    stall_at_ = now.steady + kStalledAfter;
    return;
  }
  stall_at_ = Nanoseconds::max();
  if (!trouble_.empty()) return;
  stalled_ = true;
  note_trouble("the disk has not answered for " + std::to_string((kLateAfter + kStalledAfter) / 1s) + " s");
}

// When the flush that is wanted is due, in steady time.
Nanoseconds Journal::flush_due_at(const Replica& replica) const {
  const bool changes = replica.store().feed().tail() > replica.planner().cursor();
  if (!changes) return last_flush_ + kCursorsOnlyDelay;
  return is_awaited(replica) || !wanted_since_ ? last_flush_ : *wanted_since_ + kLazyFlushDelay;
}

bool Journal::flush_due(const Replica& replica, Now now) {
  if (!replica.wants_flush()) return false;
  if (!wanted_since_) wanted_since_ = now.steady;
  return now.steady >= flush_due_at(replica);
}

bool Journal::compaction_due(std::uint64_t factor) const {
  return disk_.bytes() > 2 * live_bytes_ + factor * options_.compact_beyond;
}

std::optional<JournalJob> Journal::next_job(Replica& replica, Now now) {
  JournalJob job;
  job.by_time = now.steady >= times_count_at_;
  if (!lost_ && check_due(now)) {
    next_check_ = now.steady + kCheckPeriod;
    job.check = true;
    return job;
  }
  job.is_background = !is_awaited(replica);
  // Under a steady load a flush is always due. A compaction that goes on, or is overdue, takes every second job.
  const bool compacts = lost_ || replica.planner().compacting() || compaction_due(kOverdue);
  if (compacts) chunk_next_ = !chunk_next_;
  if (!lost_ && (!compacts || !chunk_next_) && flush_due(replica, now)) {
    last_flush_ = now.steady;
    job.bytes = replica.begin_flush();
    job.sync = options_.sync;
    job.is_flush = true;
    return job;
  }
  if (!compacts && !compaction_due(1)) return std::nullopt;
  add_chunk(job, replica, now);
  return job;
}

void Journal::add_chunk(JournalJob& job, Replica& replica, Now now) {
  job.to_new_file = true;
  if (!replica.planner().compacting()) {
    if (lost_) next_repair_ = now.steady + kRepairPause;
    job.starts_compaction = true;
    job.bytes = replica.planner().begin_compaction();
    return;
  }
  job.bytes = replica.compaction_chunk();
  if (job.bytes.empty()) {
    job.bytes = replica.finish_compaction();
    job.replaces = job.is_flush = true;
  }
}

bool Journal::advance(Replica& replica, Now now) {
  if (busy_) {
    const auto done = disk_.take();
    if (!done) {
      watch_for_stall(now);
      return true;
    }
    if (done->fatal) {
      note(JournalEvent::Kind::Lost, done->trouble);
      return false;
    }
    finish(*done, replica, now);
  }
  if (!trouble_.empty() && now.steady < retry_at_) return true;
  if (auto job = next_job(replica, now)) begin(std::move(*job), now);
  return true;
}

Nanoseconds Journal::next_deadline(const Replica& replica) const {
  if (busy_) return stall_at_;
  Nanoseconds due = lost_ || blocked_ ? retry_at_ : next_check_;
  if (!lost_ && !blocked_ && replica.wants_flush()) due = std::min(due, flush_due_at(replica));
  return trouble_.empty() ? due : std::max(due, retry_at_);
}

}  // namespace herd::bus
