// How the writer's thread carries out a job of the journal (bus/loop/disk.hpp) on the real file.
#pragma once

#include "bus/loop/disk.hpp"
#include "node/config/state_dir.hpp"
#include "node/journal/journal_file.hpp"

namespace herd::node {

// Carries out the task and fills in the result. Waits for the disk: call it on the writer's thread. `state_dir` holds
// the directory's lock; nullptr if the directory is not locked.
void carry_out(bus::JournalJob& job, JournalFile& file, StateDir* state_dir);

}  // namespace herd::node
