// The disk with the journal's file, as the journal (bus/loop/journal.hpp) uses it: it carries out one job after the
// other, and no call waits for it. In production a thread carries them out on a real file
// (node/journal/file_disk.hpp); the simulator has virtual disks that tear, fail and lose writes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace herd::bus {

// The journal's file as another program may have left it.
enum class FileState : std::uint8_t {
  Sound,     // the file with the journal's name is the node's own file, as the node wrote it
  Missing,   // no file has the journal's name: the file or its directory was removed or renamed
  Replaced,  // another file has the journal's name
  Shorter,   // shorter than the node wrote it
  Longer,    // longer than the node wrote it
  Changed,   // its length is right, but it was modified since the last append
  Unknown,   // the system call failed
};

// For the log and /healthz: "its file was removed or renamed".
[[nodiscard]] std::string_view describe(FileState state);

// A check of the file, a flush, or a chunk of a compaction; and its result.
struct JournalJob {
  // The task.
  std::string bytes;               // to be written
  bool check = false;              // writes nothing: checks the file, its directory, and the lock
  bool to_new_file = false;        // a part of a compaction; else `bytes` is appended to the journal
  bool starts_compaction = false;  // with to_new_file: creates the new file first
  bool replaces = false;           // with to_new_file: the new file then replaces the journal
  bool sync = false;               // after an append
  bool is_flush = false;           // `bytes` ends a flush of the planner
  bool is_background = false;      // no reply waits for it, so its thread may use batch scheduling
  bool by_time = true;             // a new modification time alone counts as a change of the file

  // The result.
  std::string trouble;                 // why it failed; empty: success. If it failed, none of the bytes counts
  bool fatal = false;                  // a sync failed: it is unknown what is on the disk
  bool blocked = false;                // no write counts before a check has succeeded; the file itself may be sound
  FileState found = FileState::Sound;  // if not Sound, the journal must be written anew
  bool restored = false;               // the state directory or its lock file was created again
  std::string set_aside;               // a foreign file had the journal's name and has this name now; empty: none
};

class Disk {
 public:
  virtual ~Disk() = default;

  // Begins a job. One job at a time: take() must have returned the one before.
  virtual void begin(JournalJob job) = 0;

  // The job with its result, when it is done; nullopt while it is carried out, and if there is none.
  [[nodiscard]] virtual std::optional<JournalJob> take() = 0;

  // The length of the journal's file, after the last job that take() has returned.
  [[nodiscard]] virtual std::uint64_t bytes() const = 0;
};

}  // namespace herd::bus
