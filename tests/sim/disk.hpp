// A virtual disk with one journal. A write takes time, may fail, and may be cut off at any byte by a crash of the
// process. A crash of the machine may also lose written bytes that were not synced.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "protocol/clock.hpp"
#include "tests/sim/random.hpp"

namespace herd::sim {

class Disk {
 public:
  // A write in progress: bytes for the journal, or for the new file of a compaction, which will replace it.
  struct Write {
    std::string bytes;
    bool to_new_file = false;
    bool replaces = false;  // when it is done, the new file replaces the journal
    bool is_flush = false;  // the journal planner waits for the result
    protocol::Nanoseconds done_at{};
  };

  [[nodiscard]] const std::string& journal() const { return journal_; }
  [[nodiscard]] const std::optional<Write>& in_progress() const { return write_; }
  void begin(Write write) { write_ = std::move(write); }

  // The write is done, and with `sync` also synced.
  Write finish(bool sync) {
    std::string& file = write_->to_new_file ? new_file_ : journal_;
    file += write_->bytes;
    if (write_->replaces) {
      journal_ = std::move(new_file_);
      new_file_.clear();
      synced_ = sync ? journal_.size() : 0;
    }
    if (sync && !write_->to_new_file) synced_ = journal_.size();
    return *std::exchange(write_, std::nullopt);
  }
  // The write failed: nothing of it is on disk.
  Write fail() {
    new_file_.clear();
    return *std::exchange(write_, std::nullopt);
  }
  void append_synced(const std::string& bytes) {
    journal_ += bytes;
    synced_ = journal_.size();
  }

  // The process dies: a random prefix of the write in progress is on disk.
  void crash_process(Random& random) {
    if (write_ && !write_->to_new_file) journal_ += write_->bytes.substr(0, random.below(write_->bytes.size() + 1));
    write_.reset();
    new_file_.clear();
  }
  // The machine dies: a random prefix of the unsynced bytes is on disk, and the last byte of it may be wrong.
  void crash_machine(Random& random) {
    crash_process(random);
    const std::size_t left = synced_ + random.below(journal_.size() - synced_ + 1);
    journal_.resize(left);
    if (left > synced_ && random.chance(0.5)) journal_.back() = static_cast<char>(~journal_.back());
  }
  void wipe() {
    journal_.clear();
    new_file_.clear();
    synced_ = 0;
    write_.reset();
  }
  // A backup of the journal at this moment: it contains a random prefix of the write in progress.
  [[nodiscard]] std::string backup(Random& random) const {
    if (!write_ || write_->to_new_file) return journal_;
    return journal_ + write_->bytes.substr(0, random.below(write_->bytes.size() + 1));
  }
  // A backup replaces the content of the disk.
  void restore(std::string backup) {
    wipe();
    journal_ = std::move(backup);
    synced_ = journal_.size();
  }
  // Cuts off the torn tail that recovery found.
  void cut(std::size_t valid_bytes) {
    journal_.resize(valid_bytes);
    synced_ = std::min(synced_, valid_bytes);
  }

 private:
  std::string journal_;
  std::size_t synced_ = 0;
  std::string new_file_;
  std::optional<Write> write_;
};

}  // namespace herd::sim
