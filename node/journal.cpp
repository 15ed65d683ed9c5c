#include "node/journal.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstring>
#include <limits>
#include <random>
#include <utility>

#include "node/journal_file.hpp"
#include "node/scheduling.hpp"

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
// A copy is made when the file has grown by this much, and to twice what it had when it was fresh.
constexpr std::uint64_t kCopyBeyondBytes = std::uint64_t{64} * 1024 * 1024;

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
                                      std::uint64_t fresh_feed_id) {
  auto file = JournalFile::open(directory);
  if (!file) return tl::unexpected(file.error());
  const auto text = (*file)->map();
  if (!text) return tl::unexpected(text.error());
  const std::size_t size = text->size();
  if (bus::is_of_another_release(*text)) return fail(of_another_release(**file, *text));
  auto memory = bus::recover(*text, fresh_feed_id, random_seed());
  if (!memory) return fail(damaged(**file, memory.error().message));
  if (memory->valid_bytes < size) {
    spdlog::warn("event=journal_cut bytes={} reason=\"its last write was cut off, or its end is damaged\"",
                 size - memory->valid_bytes);
  }
  if (const int error = (*file)->cut(memory->valid_bytes); error != 0) {
    return fail(unwritable(**file, "its torn end cannot be cut off", error));
  }
  std::unique_ptr<Journal> journal(new Journal(std::move(*file), level));
  const std::size_t live = memory->store.size();
  journal->live_bytes_ = memory->records == 0 ? 0 : memory->valid_bytes / memory->records * live;
  return Opened{std::move(journal), std::move(*memory)};
}

Result<std::optional<std::filesystem::path>> Journal::discard(const std::filesystem::path& directory) {
  std::error_code error;
  const auto from = directory / "journal";
  const auto to = directory / "journal.discarded";
  if (!std::filesystem::exists(from, error)) return std::optional<std::filesystem::path>();
  std::filesystem::rename(from, to, error);
  if (error) return fail("journal " + from.string() + " cannot be moved away: " + error.message());
  return std::optional(to);
}

Journal::Journal(std::unique_ptr<JournalFile> file, Acknowledge level)
    : file_(std::move(file)), level_(level), done_descriptor_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  file_bytes_ = file_->bytes();
  thread_ = std::thread([this] { write_jobs(); });
}

Journal::~Journal() {
  stop_ = true;
  work_.release();
  thread_.join();
  close(done_descriptor_);
}

Result<void> Journal::begin_life(bus::Replica& replica) {
  int error = file_->append(replica.keeper().begin_life());
  if (error == 0) error = file_->sync();
  file_bytes_ = file_->bytes();
  if (error != 0) return fail(unwritable(*file_, "a new life cannot be written", error));
  return {};
}

// ---- the writer's thread --------------------------------------------------------------------------------------------

void Journal::write_jobs() {
  bool interrupts = true;
  for (;;) {
    work_.acquire();
    if (stop_) return;
    Job& job = job_;
    if (job.at_leisure && std::exchange(interrupts, false)) (void)interrupt_nobody();
    if (job.first_of_copy) job.error = file_->begin_copy();
    if (job.error == 0) job.error = job.to_copy ? file_->append_to_copy(job.bytes) : file_->append(job.bytes);
    if (job.error == 0 && job.replaces) {
      bool committed = false;
      job.error = file_->replace_by_copy(committed);
      job.fatal = job.error != 0 && committed;
    } else if (job.error == 0 && job.sync) {
      // A sync that failed may have thrown the pages away: trying again would report what is not there.
      job.error = file_->sync();
      job.fatal = job.error != 0;
    }
    if (job.error != 0 && job.to_copy) file_->drop_copy();
    done_.store(true, std::memory_order_release);
    const std::uint64_t one = 1;
    if (write(done_descriptor_, &one, sizeof one) < 0) continue;  // full: it is readable already
  }
}

// ---- the loop's thread ----------------------------------------------------------------------------------------------

void Journal::start(Job job) {
  job_ = std::move(job);
  busy_ = true;
  work_.release();
}

void Journal::finish(bus::Replica& replica, Now now) {
  busy_ = false;
  file_bytes_ = file_->bytes();
  if (job_.error != 0) {
    ++counters_.failures;
    if (trouble_.empty()) {
      spdlog::error("event=journal_failing reason=\"{}\" consequence=\"{}\"", std::strerror(job_.error),
                    level_ == Acknowledge::Memory ? "what is told now is lost if this node dies"
                                                  : "IAMATs are not answered until it can be written again");
    }
    trouble_ = std::strerror(job_.error);
    retry_at_ = now.steady + kRetry;
    if (job_.is_pass) replica.pass_failed();
    replica.keeper().abandon_copy();
    return;
  }
  if (!trouble_.empty()) spdlog::warn("event=journal_recovered failures={}", counters_.failures);
  trouble_.clear();
  counters_.bytes += job_.bytes.size();
  if (job_.replaces) {
    ++counters_.copies;
    live_bytes_ = file_bytes_;
    spdlog::debug("event=journal_copied bytes={}", file_bytes_);
  }
  if (job_.is_pass) {
    ++counters_.passes;
    replica.pass_written();
    const bool at_tail = replica.keeper().kept() == replica.keeper().cursor();
    if (at_tail) wanted_since_.reset();  // the next part of a longer way is due at once
  }
}

bool Journal::is_awaited(const bus::Replica& replica) const {
  return level_ != Acknowledge::Memory || replica.durability().replicas > 0;
}

// When the pass that is wanted has waited for long enough.
Nanoseconds Journal::pass_due_at(const bus::Replica& replica) const {
  const bool changes = replica.store().feed().tail() > replica.keeper().cursor();
  if (!changes) return last_pass_ + kCursorsOnly;
  return is_awaited(replica) || !wanted_since_ ? last_pass_ : *wanted_since_ + kUnhurried;
}

bool Journal::pass_due(const bus::Replica& replica, Now now) {
  if (!replica.wants_pass()) return false;
  if (!wanted_since_) wanted_since_ = now.steady;
  return now.steady >= pass_due_at(replica);
}

bool Journal::copy_due() const {
  return file_bytes_ > 2 * live_bytes_ + kCopyBeyondBytes;
}

std::optional<Journal::Job> Journal::next_job(bus::Replica& replica, Now now) {
  Job job;
  job.at_leisure = !is_awaited(replica);
  const bool copying = replica.keeper().copying();
  if (copying) piece_next_ = !piece_next_;
  if ((!copying || !piece_next_) && pass_due(replica, now)) {
    last_pass_ = now.steady;
    job.bytes = replica.begin_pass();
    job.sync = level_ == Acknowledge::Fsync;
    job.is_pass = true;
    return job;
  }
  if (!copying && !copy_due()) return std::nullopt;
  job.to_copy = true;
  if (!copying) {
    job.first_of_copy = true;
    job.bytes = replica.keeper().begin_copy();
    return job;
  }
  job.bytes = replica.copy_piece();
  if (job.bytes.empty()) {
    job.bytes = replica.finish_copy();
    job.replaces = job.is_pass = true;
  }
  return job;
}

bool Journal::turn(bus::Replica& replica, Now now) {
  if (busy_) {
    if (!done_.exchange(false, std::memory_order_acquire)) return true;
    std::uint64_t count = 0;
    if (read(done_descriptor_, &count, sizeof count) < 0) count = 0;  // its edge came before the counter: no matter
    if (job_.fatal) {
      spdlog::error("event=journal_lost reason=\"{}: nobody knows what is on the disk, so this node stops\"",
                    std::strerror(job_.error));
      return false;
    }
    finish(replica, now);
  }
  if (!trouble_.empty() && now.steady < retry_at_) return true;
  if (auto job = next_job(replica, now)) start(std::move(*job));
  return true;
}

Nanoseconds Journal::next_deadline(const bus::Replica& replica) const {
  if (busy_) return Nanoseconds::max();
  if (!replica.wants_pass()) return trouble_.empty() ? Nanoseconds::max() : retry_at_;
  return trouble_.empty() ? pass_due_at(replica) : std::max(retry_at_, pass_due_at(replica));
}

}  // namespace herd::node
