// One job of the journal's writer thread, and its result. A job is a check of the file, a flush, or a chunk of a
// compaction. The loop's thread makes it, the writer's thread carries it out, and the loop's thread reads the result.
#pragma once

#include <string>

#include "node/config/state_dir.hpp"
#include "node/journal/journal_file.hpp"

namespace herd::node {

struct JournalJob {
  // The task.
  std::string bytes;               // to be written
  bool check = false;              // writes nothing: checks the file, its directory, and the lock
  bool to_new_file = false;        // a part of a compaction; else `bytes` is appended to the journal
  bool starts_compaction = false;  // with to_new_file: creates the new file first
  bool replaces = false;           // with to_new_file: the new file then replaces the journal
  bool sync = false;               // after an append
  bool is_flush = false;           // `bytes` ends a flush of the planner
  bool is_background = false;      // no reply waits for it, so the writer's thread may use batch scheduling
  bool by_time = true;             // see JournalFile::look()

  // The result.
  std::string trouble;   // why it failed; empty: success. If it failed, none of the bytes counts
  bool fatal = false;    // a sync failed: it is unknown what is on the disk
  bool blocked = false;  // no write counts before a check has succeeded; the file itself may be sound
  JournalFile::State found = JournalFile::State::Sound;  // if not Sound, the journal must be written anew
  bool restored = false;                                 // the state directory or its lock file was created again
  std::string set_aside;                                 // see JournalFile::Replacement
};

// Carries out the task and fills in the result. Waits for the disk: call it on the writer's thread. `state_dir` holds
// the directory's lock; nullptr if the directory is not locked.
void carry_out(JournalJob& job, JournalFile& file, StateDir* state_dir);

}  // namespace herd::node
