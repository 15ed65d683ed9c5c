// The tasks of herd-node with the files of a node's journal: a backup, a restore, a check (node/journal/backup.hpp).
// Main thread, instead of a node.
#pragma once

#include <string>

#include "node/config/options.hpp"
#include "protocol/result.hpp"

namespace herd::node {

// Carries out the task. Returns the output, one line of JSON with the figures of the file:
//
//   {"node":"Hill","made":1700000000,"clients":2,"digest":"00c5f2a9d4e81b37","bytes":310}
//
// `made` is in seconds since 1970. A journal that is no backup has neither `node` nor `made`. A restore that set a
// journal aside adds its path, `set_aside`. A restore locks the node's state directory, so it fails while the node
// runs.
[[nodiscard]] protocol::Result<std::string> run_journal_task(const JournalTask& task);

}  // namespace herd::node
