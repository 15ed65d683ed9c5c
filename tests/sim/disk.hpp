// A virtual disk with one journal on it. A write takes a while, may fail, and may be cut off by a crash at any byte;
// what was written and not synced may be lost with the machine.
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
  // What is under way: bytes for the journal, or for the fresh copy that will take its place.
  struct Write {
    std::string bytes;
    bool to_new_file = false;
    bool replaces = false;  // when it is done, the copy becomes the journal
    bool is_flush = false;  // the keeper waits for it
    protocol::Nanoseconds done_at{};
  };

  [[nodiscard]] const std::string& journal() const { return journal_; }
  [[nodiscard]] const std::optional<Write>& under_way() const { return write_; }
  void begin(Write write) { write_ = std::move(write); }

  // The write is done, and synced if that is asked for.
  Write finish(bool sync) {
    std::string& file = write_->to_new_file ? copy_ : journal_;
    file += write_->bytes;
    if (write_->replaces) {
      journal_ = std::move(copy_);
      copy_.clear();
      synced_ = sync ? journal_.size() : 0;
    }
    if (sync && !write_->to_new_file) synced_ = journal_.size();
    return *std::exchange(write_, std::nullopt);
  }
  // The write failed: nothing of it is there.
  Write fail() {
    copy_.clear();
    return *std::exchange(write_, std::nullopt);
  }
  void append_synced(const std::string& bytes) {
    journal_ += bytes;
    synced_ = journal_.size();
  }

  // The process dies: of what is under way any beginning may be on disk.
  void crash_process(Random& random) {
    if (write_ && !write_->to_new_file) journal_ += write_->bytes.substr(0, random.below(write_->bytes.size() + 1));
    write_.reset();
    copy_.clear();
  }
  // The machine dies: of what was not synced any beginning may be on disk, and its last byte may be another.
  void crash_machine(Random& random) {
    crash_process(random);
    const std::size_t left = synced_ + random.below(journal_.size() - synced_ + 1);
    journal_.resize(left);
    if (left > synced_ && random.chance(0.5)) journal_.back() = static_cast<char>(~journal_.back());
  }
  void wipe() {
    journal_.clear();
    copy_.clear();
    synced_ = 0;
    write_.reset();
  }
  // A backup of the file as it is at this moment: of what is under way any beginning may be in it.
  [[nodiscard]] std::string backup(Random& random) const {
    if (!write_ || write_->to_new_file) return journal_;
    return journal_ + write_->bytes.substr(0, random.below(write_->bytes.size() + 1));
  }
  // A backup takes the place of all that is on the disk.
  void put_back(std::string backup) {
    wipe();
    journal_ = std::move(backup);
    synced_ = journal_.size();
  }
  // A torn tail that recovery has found.
  void cut(std::size_t valid_bytes) {
    journal_.resize(valid_bytes);
    synced_ = std::min(synced_, valid_bytes);
  }

 private:
  std::string journal_;
  std::size_t synced_ = 0;
  std::string copy_;
  std::optional<Write> write_;
};

}  // namespace herd::sim
