#include "tests/sim/disk.hpp"

namespace herd::sim {

using bus::FileState;
using bus::JournalJob;
using protocol::Nanoseconds;

void Disk::begin(JournalJob job) {
  job_ = std::move(job);
  done_at_ = now_ + Nanoseconds{random_.between(20'000, faults_.write_max.count())};
}

std::optional<JournalJob> Disk::take() {
  if (!job_ || done_at_ > now_) return std::nullopt;
  if (!fails(*job_)) carry_out(*job_);
  if (!job_->trouble.empty() && job_->to_new_file) new_file_.clear();
  return std::exchange(job_, std::nullopt);
}

// Whether the job fails; then its result is in `job`.
bool Disk::fails(JournalJob& job) {
  if (!job.to_new_file && !is_sound()) {
    job.found = state_;
    job.trouble = describe(state_);
    return true;
  }
  if (random_.chance(faults_.write_failures)) {
    job.trouble = "the disk is full";
    job.blocked = job.check;
    return true;
  }
  if (job.sync && random_.chance(faults_.sync_failures)) {
    journal_ += job.bytes;
    sync_failed_ = true;
    job.trouble = "the sync failed";
    job.fatal = true;
    return true;
  }
  return false;
}

void Disk::carry_out(JournalJob& job) {
  if (job.starts_compaction) new_file_.clear();
  (job.to_new_file ? new_file_ : journal_) += job.bytes;
  if (job.replaces) {  // the new file is synced before it replaces the journal
    journal_ = std::exchange(new_file_, {});
    synced_ = journal_.size();
    sync_failed_ = false;
    state_ = FileState::Sound;
  }
  if (job.sync && !sync_failed_) synced_ = journal_.size();
}

void Disk::append_synced(const std::string& bytes) {
  journal_ += bytes;
  synced_ = journal_.size();
}

void Disk::cut(std::size_t valid_bytes) {
  journal_.resize(valid_bytes);
  synced_ = std::min(synced_, valid_bytes);
}

std::string Disk::written_part() const {
  if (!job_ || job_->to_new_file || !is_sound()) return "";
  return job_->bytes.substr(0, random_.below(job_->bytes.size() + 1));
}

void Disk::crash_process() {
  journal_ += written_part();
  job_.reset();
  new_file_.clear();
  state_ = FileState::Sound;  // the next run takes the file as it is
}

void Disk::crash_machine() {
  crash_process();
  synced_ = std::min(synced_, journal_.size());
  const std::size_t left = synced_ + random_.below(journal_.size() - synced_ + 1);
  journal_.resize(left);
  if (left > synced_ && random_.chance(0.5)) journal_.back() = static_cast<char>(~journal_.back());
  sync_failed_ = false;
}

void Disk::wipe() {
  restore("");
}

std::string Disk::backup() const {
  return journal_ + written_part();
}

void Disk::restore(std::string content) {
  journal_ = std::move(content);
  synced_ = journal_.size();
  sync_failed_ = false;
  new_file_.clear();
  job_.reset();
  state_ = FileState::Sound;
}

void Disk::damage() {
  if (random_.chance(0.5) || journal_.empty()) return remove();
  state_ = FileState::Shorter;
  journal_.resize(random_.below(journal_.size()));
  synced_ = std::min(synced_, journal_.size());
}

void Disk::remove() {
  state_ = FileState::Missing;
  journal_.clear();
  synced_ = 0;
}

}  // namespace herd::sim
