// The journal's disk in production: one file, written by a thread of its own, so that the disk never blocks the loop.
// bus/loop/journal.hpp decides which jobs it carries out.
//
// Owned by the node. The loop's thread calls all functions. The writer's thread has at most one job at a time, and
// touches only the job, the file, and the lock of the state directory. The file is `journal` in the node's state
// directory; a compaction writes `journal.next`, which then replaces it.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <semaphore>
#include <string>
#include <string_view>
#include <thread>

#include "bus/journal/recovery.hpp"
#include "bus/loop/disk.hpp"
#include "node/config/state_dir.hpp"
#include "node/journal/journal_file.hpp"
#include "protocol/result.hpp"

namespace herd::node {

class FileDisk : public bus::Disk {
 public:
  struct Opened {
    std::unique_ptr<FileDisk> disk;
    bus::RecoveredState recovered;
    std::uint64_t live_bytes = 0;  // the estimated size of a compacted journal
  };

  // Opens or creates the journal in `directory`, recovers its state, and cuts off a torn tail, with a warning in the
  // log. `fresh_feed_id` becomes the feed id if there is no journal yet. An Error if the file is damaged in its middle,
  // is of another release, or cannot be read or written; its text states how to continue. `state_dir` holds the
  // directory's lock, and must outlive the disk; its thread checks and restores the lock file. nullptr: the directory
  // is not locked.
  [[nodiscard]] static protocol::Result<Opened> open(const std::filesystem::path& directory,
                                                     std::uint64_t fresh_feed_id, StateDir* state_dir = nullptr);

  // Moves the journal away, for a start with a new feed and an empty store, which the peers then fill. Returns the new
  // path, which never replaces an earlier discarded journal; nullopt if there was no journal. An Error if it cannot be
  // moved.
  [[nodiscard]] static protocol::Result<std::optional<std::filesystem::path>> discard(
      const std::filesystem::path& directory);

  // Waits for the job that is carried out.
  ~FileDisk() override;
  FileDisk(const FileDisk&) = delete;
  FileDisk& operator=(const FileDisk&) = delete;

  // Writes and syncs the first bytes of the new run (bus::JournalPlanner::begin_run()), and waits for that. Call it
  // before the first job. An Error if they cannot be written; its text states what to do.
  [[nodiscard]] protocol::Result<void> begin_run(std::string_view bytes);

  // An eventfd that becomes readable when a job is done: then call take(). Owned by the disk.
  [[nodiscard]] int descriptor() const { return done_descriptor_; }

  // bus::Disk
  void begin(bus::JournalJob job) override;
  [[nodiscard]] std::optional<bus::JournalJob> take() override;
  [[nodiscard]] std::uint64_t bytes() const override { return bytes_; }

 private:
  FileDisk(std::unique_ptr<JournalFile> file, StateDir* state_dir);
  void write_jobs();

  std::unique_ptr<JournalFile> file_;  // used by the writer's thread while it has a job, else by the loop's
  StateDir* state_dir_;                // the same threads as file_; may be nullptr
  bus::JournalJob job_;                // the same threads as file_
  std::uint64_t bytes_ = 0;            // of the file, as of the last job that is done; loop's thread
  int done_descriptor_ = -1;
  std::atomic<bool> done_ = false;  // the writer's thread has carried out its job
  std::atomic<bool> stop_ = false;
  std::counting_semaphore<2> work_{0};  // released by begin(), and once by the destructor, perhaps during a job
  std::thread thread_;                  // last: it uses the other members
};

}  // namespace herd::node
