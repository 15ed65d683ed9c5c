#include "node/journal/journal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "node/base/random_id.hpp"
#include "node/base/scheduling.hpp"
#include "node/base/set_aside.hpp"

namespace herd::node {

using protocol::fail;
using protocol::Nanoseconds;
using protocol::Now;
using protocol::Result;
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
// A job of the writer's thread that takes longer than both times together is reported: a disk, or the server of a
// network file system, does not answer. If the process itself was frozen, the job ends within the second time.
constexpr Nanoseconds kLateAfter = 2s;
constexpr Nanoseconds kStalledAfter = 1s;
// Limits the log lines about trouble with ever-changing reasons.
constexpr RateLimit::Rate kTroubleLogRate{.per_second = 0.2, .burst = 5};
// A compaction is due when the file is larger than twice its live bytes plus this.
constexpr std::uint64_t kCompactBeyondBytes = std::uint64_t{64} * 1024 * 1024;

std::string damaged(const JournalFile& file, const std::string& reason) {
  return "journal " + file.path().string() + ": " + reason +
         ". If the peers have its records, start once with --discard-journal: the peers send the records again";
}

std::string of_another_release(const JournalFile& file, std::string_view text) {
  return fmt::format(
      "journal {}: it was written by another release of herd, in format {} instead of {}: start that "
      "release, or discard the journal on one node after the other, when the node's peers have its records",
      file.path().string(), text.substr(0, bus::kFrameMagic.size()), bus::kFrameMagic);
}

std::string unwritable(const JournalFile& file, const char* what, int error) {
  return fmt::format("journal {}: {} ({}): make room there, or set HERD_STATE_DIR to a disk that can be written",
                     file.path().string(), what, std::strerror(error));
}

}  // namespace

Result<Journal::Opened> Journal::open(const std::filesystem::path& directory, Acknowledge level,
                                      std::uint64_t fresh_feed_id, StateDir* state_dir) {
  auto file = JournalFile::open(directory);
  if (!file) return tl::unexpected(file.error());
  if (!(*file)->unfinished().empty()) {
    spdlog::warn(
        "event=journal_unfinished kept_as={} reason=\"found the file of an unfinished compaction, but no journal: this "
        "node starts without records, and gets them from its peers\"",
        (directory / (*file)->unfinished()).string());
  }
  const auto text = (*file)->map();
  if (!text) return tl::unexpected(text.error());
  const std::size_t size = text->size();
  if (bus::is_of_another_release(*text)) return fail(of_another_release(**file, *text));
  auto recovered = bus::recover(*text, fresh_feed_id, random_id());
  if (!recovered) return fail(damaged(**file, recovered.error().message));
  if (recovered->valid_bytes < size) {
    const auto saved = (*file)->save_tail(recovered->valid_bytes);  // if that fails, the node starts nevertheless
    spdlog::warn("event=journal_cut bytes={} kept_as={} reason=\"its last write was cut off, or its end is damaged{}\"",
                 size - recovered->valid_bytes, saved ? (directory / *saved).string() : "",
                 saved ? "" : "; " + saved.error().message);
  }
  if (const int error = (*file)->cut(recovered->valid_bytes); error != 0) {
    return fail(unwritable(**file, "its torn tail cannot be cut off", error));
  }
  std::unique_ptr<Journal> journal(new Journal(std::move(*file), level, state_dir));
  const std::size_t live = recovered->store.size();
  journal->live_bytes_ = recovered->records == 0 ? 0 : recovered->valid_bytes / recovered->records * live;
  return Opened{std::move(journal), std::move(*recovered)};
}

Result<std::optional<std::filesystem::path>> Journal::discard(const std::filesystem::path& directory) {
  const auto from = directory / "journal";
  std::error_code error;
  if (!std::filesystem::exists(from, error)) return std::optional<std::filesystem::path>();
  const int folder = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return fail("journal " + from.string() + " cannot be moved away: " + std::strerror(errno));
  const auto name = rename_aside({folder, "journal", "journal.discarded"});
  if (name) (void)fsync(folder);
  close(folder);
  if (!name) return fail("journal " + from.string() + ": " + name.error().message);
  return std::optional(directory / *name);
}

Journal::Journal(std::unique_ptr<JournalFile> file, Acknowledge level, StateDir* state_dir)
    : file_(std::move(file)),
      state_dir_(state_dir),
      level_(level),
      done_descriptor_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      log_limit_(kTroubleLogRate) {
  file_bytes_ = file_->bytes();
  thread_ = std::thread([this] { write_jobs(); });
}

Journal::~Journal() {
  stop_ = true;
  work_.release();
  thread_.join();
  close(done_descriptor_);
}

Result<void> Journal::begin_run(bus::Replica& replica) {
  int error = file_->append(replica.planner().begin_run());
  if (error == 0) error = file_->sync();
  file_bytes_ = file_->bytes();
  if (error != 0) return fail(unwritable(*file_, "the start of a new run cannot be written", error));
  if (const auto look = file_->look(false); look.state != FileState::Sound) {
    return fail(fmt::format("journal {}: {} while this node started: start it again", file_->path().string(),
                            describe(look.state)));
  }
  return {};
}

// ---- the writer's thread --------------------------------------------------------------------------------------------

void Journal::write_jobs() {
  bool interrupts = true;
  for (;;) {
    work_.acquire();
    if (stop_) return;
    Job& job = job_;
    if (job.is_background && std::exchange(interrupts, false)) (void)use_batch_scheduling();
    carry_out(job, *file_, state_dir_);
    done_.store(true, std::memory_order_release);
    const std::uint64_t one = 1;
    if (write(done_descriptor_, &one, sizeof one) < 0) continue;  // the counter is full, so it is readable already
  }
}

// ---- the loop's thread ----------------------------------------------------------------------------------------------

void Journal::start(Job job, Now now) {
  job_ = std::move(job);
  busy_ = true;
  late_ = false;
  stall_at_ = now.steady + kLateAfter;
  work_.release();
}

void Journal::finish(bus::Replica& replica, Now now) {
  busy_ = false;
  file_bytes_ = file_->bytes();
  if (job_.restored) {
    spdlog::warn("event=state_directory_restored path={} reason=\"it or its lock file was removed or renamed\"",
                 state_dir_->path().string());
  }
  if (!job_.set_aside.empty()) {
    spdlog::warn(
        "event=journal_set_aside kept_as={} reason=\"a file with the journal's name was not as this node wrote "
        "it: remove the renamed file if it is not needed\"",
        (file_->path().parent_path() / job_.set_aside).string());
  }
  if (job_.trouble.empty()) {
    note_success(replica, now);
  } else {
    note_failure(replica, now);
  }
  stalled_ = false;
}

void Journal::note_failure(bus::Replica& replica, Now now) {
  ++counters_.failures;
  if (job_.is_flush) replica.flush_failed();
  replica.planner().abandon_compaction();
  blocked_ = job_.blocked;
  retry_at_ = now.steady + kRetryDelay;
  if (job_.found != FileState::Sound) {
    lost_ = job_.found;
    retry_at_ = std::max(now.steady, next_repair_);
    note_trouble(job_.trouble + ": it is written anew", now);
  } else if (lost_) {
    retry_at_ = std::max(retry_at_, next_repair_);
    note_trouble(fmt::format("{}, and cannot be written anew: {}", describe(*lost_), job_.trouble), now);
  } else {
    note_trouble(job_.trouble, now);
  }
}

void Journal::note_trouble(std::string trouble, Now now) {
  if (trouble == trouble_) return;
  if (log_limit_.allows(now.steady)) {
    spdlog::error("event=journal_failing reason=\"{}\" consequence=\"{}\" suppressed={}", trouble,
                  level_ == Acknowledge::Memory ? "what is reported now is lost if this node dies"
                                                : "IAMATs are not answered until it can be written again",
                  log_limit_.take_suppressed(now.steady));
  }
  trouble_ = std::move(trouble);
}

void Journal::note_success(bus::Replica& replica, Now now) {
  counters_.bytes += job_.bytes.size();
  if (job_.check) confirmed_ = now.steady;
  if (job_.replaces) {
    ++counters_.compactions;
    live_bytes_ = file_bytes_;
    spdlog::debug("event=journal_copied bytes={}", file_bytes_);
    if (lost_) ++counters_.repairs;
    if (lost_ == FileState::Changed) times_count_at_ = now.steady + kTimeIgnoredFor;
    lost_.reset();
  }
  if (job_.is_flush) {
    ++counters_.flushes;
    replica.flush_written();
    const bool at_tail = replica.planner().durable() == replica.planner().cursor();
    if (at_tail) wanted_since_.reset();  // else the next part of a long flush is due at once
  }
  const bool ends_trouble = job_.is_flush || blocked_ || stalled_;
  if (job_.check) blocked_ = false;
  if (trouble_.empty() || !ends_trouble || lost_) return;
  spdlog::warn("event=journal_recovered failures={} written_anew={}", counters_.failures, counters_.repairs);
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
  note_trouble(fmt::format("the disk has not answered for {} s", (kLateAfter + kStalledAfter) / 1s), now);
}

bool Journal::is_awaited(const bus::Replica& replica) const {
  return level_ != Acknowledge::Memory || replica.durability().replicas > 0;
}

// When the flush that is wanted is due, in steady time.
Nanoseconds Journal::flush_due_at(const bus::Replica& replica) const {
  const bool changes = replica.store().feed().tail() > replica.planner().cursor();
  if (!changes) return last_flush_ + kCursorsOnlyDelay;
  return is_awaited(replica) || !wanted_since_ ? last_flush_ : *wanted_since_ + kLazyFlushDelay;
}

bool Journal::flush_due(const bus::Replica& replica, Now now) {
  if (!replica.wants_flush()) return false;
  if (!wanted_since_) wanted_since_ = now.steady;
  return now.steady >= flush_due_at(replica);
}

bool Journal::compaction_due() const {
  return file_bytes_ > 2 * live_bytes_ + kCompactBeyondBytes;
}

std::optional<Journal::Job> Journal::next_job(bus::Replica& replica, Now now) {
  Job job;
  job.by_time = now.steady >= times_count_at_;
  if (!lost_ && check_due(now)) {
    next_check_ = now.steady + kCheckPeriod;
    job.check = true;
    return job;
  }
  job.is_background = !is_awaited(replica);
  const bool compacting = replica.planner().compacting();
  if (compacting) chunk_next_ = !chunk_next_;
  if (!lost_ && (!compacting || !chunk_next_) && flush_due(replica, now)) {
    last_flush_ = now.steady;
    job.bytes = replica.begin_flush();
    job.sync = level_ == Acknowledge::Fsync;
    job.is_flush = true;
    return job;
  }
  if (!compacting && !lost_ && !compaction_due()) return std::nullopt;
  next_chunk(job, replica, now);
  return job;
}

void Journal::next_chunk(Job& job, bus::Replica& replica, Now now) {
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

bool Journal::advance(bus::Replica& replica, Now now) {
  if (busy_) {
    if (!done_.exchange(false, std::memory_order_acquire)) {
      watch_for_stall(now);
      return true;
    }
    std::uint64_t count = 0;
    if (read(done_descriptor_, &count, sizeof count) < 0) count = 0;  // done_ was set before the counter: no harm
    if (job_.fatal) {
      spdlog::error("event=journal_lost reason=\"{}: it is unknown what is on the disk, so this node stops\"",
                    job_.trouble);
      return false;
    }
    finish(replica, now);
  }
  if (!trouble_.empty() && now.steady < retry_at_) return true;
  if (auto job = next_job(replica, now)) start(std::move(*job), now);
  return true;
}

Nanoseconds Journal::next_deadline(const bus::Replica& replica) const {
  if (busy_) return stall_at_;
  Nanoseconds due = lost_ || blocked_ ? retry_at_ : next_check_;
  if (!lost_ && !blocked_ && replica.wants_flush()) due = std::min(due, flush_due_at(replica));
  return trouble_.empty() ? due : std::max(due, retry_at_);
}

}  // namespace herd::node
