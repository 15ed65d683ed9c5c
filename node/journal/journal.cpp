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
#include <random>
#include <utility>

#include "node/base/scheduling.hpp"
#include "node/base/set_aside.hpp"

namespace herd::node {

using protocol::fail;
using protocol::Nanoseconds;
using protocol::Now;
using protocol::Result;
using namespace std::chrono_literals;

namespace {

// At "memory", without replicas, nobody waits for the journal: what is superseded within this time is not written
// twice, and the writer's thread takes no processor from an update on its way to the peers.
constexpr Nanoseconds kUnhurried = 50ms;
// A pass that would only note how far the peers' feeds are merged.
constexpr Nanoseconds kCursorsOnly = 20ms;
// After a write that failed: full disks are freed by people.
constexpr Nanoseconds kRetry = 250ms;
// Between looks at the file while nothing is written: an operator who removes it must know within seconds.
constexpr Nanoseconds kCheck = 1s;
// Between two attempts to write the file anew, each of which may write gigabytes.
constexpr Nanoseconds kRepairPause = 1s;
// After a repair for no other reason than the file's modification time, that alone is no reason for so long: where the
// file system itself changes it, this would go on all the time.
constexpr Nanoseconds kTimesIgnored = 60s;
// A job of the writer's thread that takes longer is reported: a disk, or the server of a network file system, does not
// answer. The second part is for a process that was itself frozen: it then comes to an end within that.
constexpr Nanoseconds kLate = 2s;
constexpr Nanoseconds kStalled = 1s;
// Lines in the log about trouble, when its reason changes all the time.
constexpr RateLimit::Rate kTroubles{.per_second = 0.2, .burst = 5};
// A copy is made when the file has grown by this much, and to twice what it had when it was fresh.
constexpr std::uint64_t kCompactBeyondBytes = std::uint64_t{64} * 1024 * 1024;

std::uint64_t random_seed() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

std::string damaged(const JournalFile& file, const std::string& reason) {
  return "journal " + file.path().string() + ": " + reason +
         ". If the peers hold what it held, start once with --discard-journal: they give it back";
}

std::string of_another_release(const JournalFile& file, std::string_view text) {
  return fmt::format(
      "journal {}: it was written by another release of herd, in format {} instead of {}: start that "
      "release, or discard it on one node after the other, when its peers hold what it held",
      file.path().string(), text.substr(0, bus::kFrameMagic.size()), bus::kFrameMagic);
}

std::string unwritable(const JournalFile& file, const char* what, int error) {
  return fmt::format("journal {}: {} ({}): make room there, or set HERD_STATE_DIR to a disk that can be written",
                     file.path().string(), what, std::strerror(error));
}

}  // namespace

Result<Journal::Opened> Journal::open(const std::filesystem::path& directory, Acknowledge level,
                                      std::uint64_t fresh_feed_id, StateDir* holder) {
  auto file = JournalFile::open(directory);
  if (!file) return tl::unexpected(file.error());
  if (!(*file)->unfinished().empty()) {
    spdlog::warn(
        "event=journal_unfinished kept_as={} reason=\"there is a copy in the making, but no journal: this node "
        "starts without records, and its peers give back what they hold\"",
        (directory / (*file)->unfinished()).string());
  }
  const auto text = (*file)->map();
  if (!text) return tl::unexpected(text.error());
  const std::size_t size = text->size();
  if (bus::is_of_another_release(*text)) return fail(of_another_release(**file, *text));
  auto memory = bus::recover(*text, fresh_feed_id, random_seed());
  if (!memory) return fail(damaged(**file, memory.error().message));
  if (memory->valid_bytes < size) {
    const auto kept = (*file)->keep_tail(memory->valid_bytes);  // or not: that is no reason not to start
    spdlog::warn("event=journal_cut bytes={} kept_as={} reason=\"its last write was cut off, or its end is damaged{}\"",
                 size - memory->valid_bytes, kept ? (directory / *kept).string() : "",
                 kept ? "" : "; " + kept.error().message);
  }
  if (const int error = (*file)->cut(memory->valid_bytes); error != 0) {
    return fail(unwritable(**file, "its torn end cannot be cut off", error));
  }
  std::unique_ptr<Journal> journal(new Journal(std::move(*file), level, holder));
  const std::size_t live = memory->store.size();
  journal->live_bytes_ = memory->records == 0 ? 0 : memory->valid_bytes / memory->records * live;
  return Opened{std::move(journal), std::move(*memory)};
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

Journal::Journal(std::unique_ptr<JournalFile> file, Acknowledge level, StateDir* holder)
    : file_(std::move(file)),
      holder_(holder),
      level_(level),
      done_descriptor_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      troubles_(kTroubles) {
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
  if (error != 0) return fail(unwritable(*file_, "a new life cannot be written", error));
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
    if (job.at_leisure && std::exchange(interrupts, false)) (void)use_batch_scheduling();
    carry_out(job, *file_, holder_);
    done_.store(true, std::memory_order_release);
    const std::uint64_t one = 1;
    if (write(done_descriptor_, &one, sizeof one) < 0) continue;  // full: it is readable already
  }
}

// ---- the loop's thread ----------------------------------------------------------------------------------------------

void Journal::start(Job job, Now now) {
  job_ = std::move(job);
  busy_ = true;
  late_ = false;
  stall_at_ = now.steady + kLate;
  work_.release();
}

void Journal::finish(bus::Replica& replica, Now now) {
  busy_ = false;
  file_bytes_ = file_->bytes();
  if (job_.restored) {
    spdlog::warn("event=state_directory_restored path={} reason=\"it or its lock file was removed or renamed\"",
                 holder_->path().string());
  }
  if (!job_.set_aside.empty()) {
    spdlog::warn(
        "event=journal_set_aside kept_as={} reason=\"a file with the journal's name was not as this node wrote "
        "it: remove it if it is not needed\"",
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
  retry_at_ = now.steady + kRetry;
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
  if (troubles_.allows(now.steady)) {
    spdlog::error("event=journal_failing reason=\"{}\" consequence=\"{}\" suppressed={}", trouble,
                  level_ == Acknowledge::Memory ? "what is reported now is lost if this node dies"
                                                : "IAMATs are not answered until it can be written again",
                  troubles_.take_suppressed(now.steady));
  }
  trouble_ = std::move(trouble);
}

void Journal::note_success(bus::Replica& replica, Now now) {
  counters_.bytes += job_.bytes.size();
  if (job_.check) confirmed_ = now.steady;
  if (job_.replaces) {
    ++counters_.copies;
    live_bytes_ = file_bytes_;
    spdlog::debug("event=journal_copied bytes={}", file_bytes_);
    if (lost_) ++counters_.repairs;
    if (lost_ == FileState::Changed) times_count_at_ = now.steady + kTimesIgnored;
    lost_.reset();
  }
  if (job_.is_flush) {
    ++counters_.flushes;
    replica.flush_written();
    const bool at_tail = replica.planner().durable() == replica.planner().cursor();
    if (at_tail) wanted_since_.reset();  // the next part of a longer way is due at once
  }
  const bool over = job_.is_flush || blocked_ || stalled_;
  if (job_.check) blocked_ = false;
  if (trouble_.empty() || !over || lost_) return;
  spdlog::warn("event=journal_recovered failures={} written_anew={}", counters_.failures, counters_.repairs);
  trouble_.clear();
}

// A process that was frozen sees an old job, too, whose end comes a moment later.
void Journal::watch_for_stall(Now now) {
  if (now.steady < stall_at_) return;
  if (!std::exchange(late_, true)) {
    stall_at_ = now.steady + kStalled;
    return;
  }
  stall_at_ = Nanoseconds::max();
  if (!trouble_.empty()) return;
  stalled_ = true;
  note_trouble(fmt::format("the disk has not answered for {} s", (kLate + kStalled) / 1s), now);
}

bool Journal::is_awaited(const bus::Replica& replica) const {
  return level_ != Acknowledge::Memory || replica.durability().replicas > 0;
}

// When the pass that is wanted has waited for long enough.
Nanoseconds Journal::flush_due_at(const bus::Replica& replica) const {
  const bool changes = replica.store().feed().tail() > replica.planner().cursor();
  if (!changes) return last_flush_ + kCursorsOnly;
  return is_awaited(replica) || !wanted_since_ ? last_flush_ : *wanted_since_ + kUnhurried;
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
    next_check_ = now.steady + kCheck;
    job.check = true;
    return job;
  }
  job.at_leisure = !is_awaited(replica);
  const bool compacting = replica.planner().compacting();
  if (compacting) piece_next_ = !piece_next_;
  if (!lost_ && (!compacting || !piece_next_) && flush_due(replica, now)) {
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

bool Journal::turn(bus::Replica& replica, Now now) {
  if (busy_) {
    if (!done_.exchange(false, std::memory_order_acquire)) {
      watch_for_stall(now);
      return true;
    }
    std::uint64_t count = 0;
    if (read(done_descriptor_, &count, sizeof count) < 0) count = 0;  // its edge came before the counter: no matter
    if (job_.fatal) {
      spdlog::error("event=journal_lost reason=\"{}: nobody knows what is on the disk, so this node stops\"",
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
