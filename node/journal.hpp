// The journal on disk: one file, appended to by a thread of its own, so that no disk ever holds the loop up. What goes
// into it is decided by the replica (bus/keeper.hpp); here are the file, its writer, and when to write.
//
// The loop's thread calls everything; the writer's thread has at most one job at a time and touches nothing else. The
// file is `journal` in the node's state directory; `journal.next` is a copy in the making, which replaces it when the
// file has grown far beyond what is live.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <semaphore>
#include <string>
#include <thread>

#include "bus/recovery.hpp"
#include "bus/replica.hpp"
#include "node/config.hpp"
#include "protocol/result.hpp"

namespace herd::node {

class JournalFile;

class Journal {
 public:
  struct Opened {
    std::unique_ptr<Journal> journal;
    bus::Memory memory;
  };

  // Reads what stands in `directory`, cuts off a torn tail (and says so in the log), and makes it ready to be appended
  // to. An Error if it is damaged: it then says how to go on without it.
  [[nodiscard]] static protocol::Result<Opened> open(const std::filesystem::path& directory, Acknowledge level,
                                                     std::uint64_t fresh_feed_id);

  // Takes the journal of a node out of the way, for a start with a new feed: the peers give everything back. Returns
  // where it was moved to; nothing if there was none.
  [[nodiscard]] static protocol::Result<std::optional<std::filesystem::path>> discard(
      const std::filesystem::path& directory);

  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // Writes and syncs what must be on disk before the replica is told anything.
  [[nodiscard]] protocol::Result<void> begin_life(bus::Replica& replica);

  // Readable when a write is done: then call turn().
  [[nodiscard]] int descriptor() const { return done_descriptor_; }

  // Once a turn: takes note of a write that is done, and begins the next one that is due. False if the disk has failed
  // in a way that nothing written lately can be relied on: the node must stop.
  [[nodiscard]] bool turn(bus::Replica& replica, protocol::Now now);

  // When turn() must be called even if no write is done; max() for never.
  [[nodiscard]] protocol::Nanoseconds next_deadline(const bus::Replica& replica) const;

  // Why the last write failed, empty if it did not. The journal tries again until it succeeds.
  [[nodiscard]] const std::string& trouble() const { return trouble_; }

  struct Counters {
    std::uint64_t passes = 0;
    std::uint64_t bytes = 0;  // appended, copies included
    std::uint64_t failures = 0;
    std::uint64_t copies = 0;  // that took the journal's place
  };
  [[nodiscard]] const Counters& counters() const { return counters_; }
  [[nodiscard]] std::uint64_t file_bytes() const { return file_bytes_; }

 private:
  // A write for the thread, and what became of it.
  struct Job {
    std::string bytes;
    bool to_copy = false;
    bool first_of_copy = false;
    bool replaces = false;  // the copy takes the journal's place
    bool sync = false;
    bool is_pass = false;
    bool at_leisure = false;  // nobody waits for it
    int error = 0;            // errno; nothing of the bytes is in the file
    bool fatal = false;       // a sync failed: nobody knows what is on disk
  };

  Journal(std::unique_ptr<JournalFile> file, Acknowledge level);

  void write_jobs();
  void start(Job job);
  void finish(bus::Replica& replica, protocol::Now now);
  // Replies wait for it, here or at peers.
  [[nodiscard]] bool is_awaited(const bus::Replica& replica) const;
  [[nodiscard]] protocol::Nanoseconds pass_due_at(const bus::Replica& replica) const;
  [[nodiscard]] bool pass_due(const bus::Replica& replica, protocol::Now now);
  [[nodiscard]] bool copy_due() const;
  [[nodiscard]] std::optional<Job> next_job(bus::Replica& replica, protocol::Now now);

  std::unique_ptr<JournalFile> file_;  // the thread's while a job is under way
  Acknowledge level_;
  int done_descriptor_ = -1;

  Job job_;            // the thread's while busy_
  bool busy_ = false;  // a job was handed over and not taken back
  std::atomic<bool> done_ = false;
  std::atomic<bool> stop_ = false;
  std::binary_semaphore work_{0};

  std::string trouble_;
  protocol::Nanoseconds last_pass_{};
  std::optional<protocol::Nanoseconds> wanted_since_;  // the next pass, as turn() has seen
  protocol::Nanoseconds retry_at_{};
  bool piece_next_ = false;  // pieces of a copy take turns with passes
  std::uint64_t file_bytes_ = 0;
  std::uint64_t live_bytes_ = 0;  // about what a copy would have, when it was last known
  Counters counters_;
  std::thread thread_;  // last: it uses the others
};

}  // namespace herd::node
