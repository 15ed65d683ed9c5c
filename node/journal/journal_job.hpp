// One piece of work on the journal's file, and what became of it. Made on the loop's thread, carried out on the
// writer's, and read by the loop when it is done.
#pragma once

#include <string>

#include "node/config/state_dir.hpp"
#include "node/journal/journal_file.hpp"

namespace herd::node {

struct JournalJob {
  // What to do.
  std::string bytes;
  bool check = false;  // writes nothing: looks at the file, at its directory, and at the lock
  bool to_new_file = false;
  bool starts_compaction = false;
  bool replaces = false;  // the copy takes the journal's place
  bool sync = false;
  bool is_flush = false;
  bool at_leisure = false;  // nothing waits for it
  bool by_time = true;      // see JournalFile::look()

  // What became of it.
  std::string trouble;   // empty: it is done. Else nothing of the bytes counts
  bool fatal = false;    // a sync failed: it is unknown what is on the disk
  bool blocked = false;  // no write can count before a check has succeeded; the file itself may be well
  JournalFile::State found = JournalFile::State::Sound;  // any other: the file must be written anew
  bool restored = false;                                 // the state directory or its lock file was made anew
  std::string set_aside;                                 // JournalFile::Replacement
};

// `holder`: of the directory's lock; nullptr if there is no lock to look at.
void carry_out(JournalJob& job, JournalFile& file, StateDir* holder);

}  // namespace herd::node
