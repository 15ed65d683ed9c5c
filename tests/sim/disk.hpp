// A virtual disk with one journal, for the production journal (bus/loop/journal.hpp). A job takes time. A write may
// fail, a sync may fail, and a crash of the process may cut a write off at any byte. A crash of the machine may also
// lose written bytes that were not synced. Another program may remove or truncate the file.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "bus/loop/disk.hpp"
#include "protocol/clock.hpp"
#include "tests/sim/random.hpp"

namespace herd::sim {

struct DiskFaults {
  double write_failures = 0;  // chance that a write or a check fails, as on a full disk
  double sync_failures = 0;   // chance that a sync fails: what was not synced before is lost with the machine
  protocol::Nanoseconds write_max{3'000'000};  // the longest time of a job
};

class Disk : public bus::Disk {
 public:
  // `now` and `faults` may change; all three must outlive the disk.
  Disk(Random& random, const protocol::Nanoseconds& now, const DiskFaults& faults)
      : random_(random), now_(now), faults_(faults) {}

  // The content of the file with the journal's name.
  [[nodiscard]] const std::string& journal() const { return journal_; }
  [[nodiscard]] bool is_sound() const { return state_ == bus::FileState::Sound; }
  // When the job is done; nullopt: there is none.
  [[nodiscard]] std::optional<protocol::Nanoseconds> done_at() const {
    return job_ ? std::optional(done_at_) : std::nullopt;
  }

  // bus::Disk
  void begin(bus::JournalJob job) override;
  [[nodiscard]] std::optional<bus::JournalJob> take() override;
  [[nodiscard]] std::uint64_t bytes() const override { return journal_.size(); }

  // Appends the first bytes of a run, before the node runs.
  void append_synced(const std::string& bytes);
  // Cuts off the torn tail that recovery found.
  void cut(std::size_t valid_bytes);

  // The process dies: a random prefix of the write in progress is on disk.
  void crash_process();
  // The machine dies: a random prefix of the unsynced bytes is on disk, and the last byte of it may be wrong.
  void crash_machine();
  // The disk is lost, and replaced by an empty one.
  void wipe();
  // A backup of the journal at this moment: it contains a random prefix of the write in progress.
  [[nodiscard]] std::string backup() const;
  // A backup replaces the content of the disk.
  void restore(std::string content);
  // Another program removes the journal, or truncates it.
  void damage();
  // Another program removes the journal.
  void remove();

 private:
  void carry_out(bus::JournalJob& job);
  [[nodiscard]] bool fails(bus::JournalJob& job);
  [[nodiscard]] std::string written_part() const;

  Random& random_;
  const protocol::Nanoseconds& now_;
  const DiskFaults& faults_;
  std::string journal_;
  std::size_t synced_ = 0;    // the bytes of the journal that survive a crash of the machine
  bool sync_failed_ = false;  // later syncs report success, but no further byte survives
  std::string new_file_;
  bus::FileState state_ = bus::FileState::Sound;  // of the journal, since another program has changed it
  std::optional<bus::JournalJob> job_;
  protocol::Nanoseconds done_at_{};
};

}  // namespace herd::sim
