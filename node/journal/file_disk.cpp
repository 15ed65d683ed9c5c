#include "node/journal/file_disk.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "node/base/random_id.hpp"
#include "node/base/scheduling.hpp"
#include "node/base/set_aside.hpp"
#include "node/journal/journal_job.hpp"

namespace herd::node {

using protocol::fail;
using protocol::Result;

namespace {

std::string damaged(const JournalFile& file, const std::string& reason) {
  return "journal " + file.path().string() + ": " + reason +
         ". If the peers have its records, start once with --discard-journal: the peers send the records again";
}

std::string of_another_release(const JournalFile& file, const std::string& reason) {
  return fmt::format(
      "journal {}: {}. Start that release again; or, if the peers have its records, start once with "
      "--discard-journal: the peers send the records again",
      file.path().string(), reason);
}

// A copy is used by the start that continues it with a run of its own; a crash before that leaves it as it was.
void report_copy(const JournalFile& file, const bus::RecoveredState& recovered) {
  if (!recovered.copy) return;
  spdlog::info("event=journal_is_copy of={} made={} clients={} feed_id={:016x} path={}", recovered.copy->node,
               std::chrono::floor<std::chrono::seconds>(recovered.copy->made).count(), recovered.copy->clients,
               recovered.run.feed_id, file.path().string());
}

std::string unwritable(const JournalFile& file, const char* what, int error) {
  return fmt::format("journal {}: {} ({}): make room there, or set HERD_STATE_DIR to a disk that can be written",
                     file.path().string(), what, std::strerror(error));
}

}  // namespace

Result<FileDisk::Opened> FileDisk::open(const std::filesystem::path& directory, std::uint64_t fresh_feed_id,
                                        StateDir* state_dir) {
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
  auto recovered = bus::recover(*text, fresh_feed_id, random_id());
  if (!recovered) {
    const auto& [reason, is_of_another_release] = recovered.error();
    return fail(is_of_another_release ? of_another_release(**file, reason) : damaged(**file, reason));
  }
  report_copy(**file, *recovered);
  if (recovered->valid_bytes < size) {
    const auto saved = (*file)->save_tail(recovered->valid_bytes);  // if that fails, the node starts nevertheless
    spdlog::warn("event=journal_cut bytes={} kept_as={} reason=\"its last write was cut off, or its end is damaged{}\"",
                 size - recovered->valid_bytes, saved ? (directory / *saved).string() : "",
                 saved ? "" : "; " + saved.error().message);
  }
  if (const int error = (*file)->cut(recovered->valid_bytes); error != 0) {
    return fail(unwritable(**file, "its torn tail cannot be cut off", error));
  }
  std::unique_ptr<FileDisk> disk(new FileDisk(std::move(*file), state_dir));
  const std::size_t live = recovered->store.size();
  const std::uint64_t live_bytes = recovered->records == 0 ? 0 : recovered->valid_bytes / recovered->records * live;
  return Opened{std::move(disk), std::move(*recovered), live_bytes};
}

Result<std::optional<std::filesystem::path>> FileDisk::discard(const std::filesystem::path& directory) {
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

FileDisk::FileDisk(std::unique_ptr<JournalFile> file, StateDir* state_dir)
    : file_(std::move(file)),
      state_dir_(state_dir),
      bytes_(file_->bytes()),
      done_descriptor_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  thread_ = std::thread([this] { write_jobs(); });
}

FileDisk::~FileDisk() {
  stop_ = true;
  work_.release();
  thread_.join();
  close(done_descriptor_);
}

Result<void> FileDisk::begin_run(std::string_view bytes) {
  int error = file_->append(bytes);
  if (error == 0) error = file_->sync();
  bytes_ = file_->bytes();
  if (error != 0) return fail(unwritable(*file_, "the start of a new run cannot be written", error));
  if (const auto look = file_->look(false); look.state != bus::FileState::Sound) {
    return fail(fmt::format("journal {}: {} while this node started: start it again", file_->path().string(),
                            describe(look.state)));
  }
  return {};
}

// The loop of the writer's thread.
void FileDisk::write_jobs() {
  bool interrupts = true;
  for (;;) {
    work_.acquire();
    if (stop_) return;
    if (job_.is_background && std::exchange(interrupts, false)) (void)use_batch_scheduling();
    carry_out(job_, *file_, state_dir_);
    done_.store(true, std::memory_order_release);
    const std::uint64_t one = 1;
    if (write(done_descriptor_, &one, sizeof one) < 0) continue;  // the counter is full, so it is readable already
  }
}

void FileDisk::begin(bus::JournalJob job) {
  job_ = std::move(job);
  work_.release();
}

std::optional<bus::JournalJob> FileDisk::take() {
  if (!done_.exchange(false, std::memory_order_acquire)) return std::nullopt;
  std::uint64_t count = 0;
  if (read(done_descriptor_, &count, sizeof count) < 0) count = 0;  // done_ was set before the counter: no harm
  bytes_ = file_->bytes();
  return std::move(job_);
}

}  // namespace herd::node
