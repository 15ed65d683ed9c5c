// The command line of herd-node. read_command_line() reads the configuration file, the key files of
// a named node, the file of tokens, and the environment. It does not print and does not exit: it returns the output and
// the exit status. Main thread, at the start.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "node/config/config.hpp"
#include "node/config/keys.hpp"
#include "node/config/token_table.hpp"
#include "node/config/viewer_keys.hpp"

namespace herd::node {

// The node to run.
struct RunNode {
  Config config;                           // log.level is that of the command line, if it has one; log.file is resolved
  std::string name;                        // is in config.nodes
  std::optional<std::string> log_level;    // from the command line: a reload does not change it
  bool discard_journal = false;            // start with an empty store; the journal is set aside
  std::optional<LoadedKeys> keys{};        // nullopt: the bus is not encrypted
  std::optional<LoadedViewers> viewers{};  // nullopt: the monitor is on loopback, or there is none
  std::shared_ptr<const TokenTable> tokens{};  // nullptr: clients need none
};

// A task with files of a node's journal, instead of a node to run (node/app/journal_task.hpp).
struct JournalTask {
  enum class Kind : std::uint8_t { Backup, Restore, Check };
  Kind kind = Kind::Check;
  std::string file;    // the backup to write, or the file to read
  bool force = false;  // Restore: replace the journal that the node has
  Config config{};     // not for Check
  std::string name{};  // of the node; not for Check
};

struct Invocation {
  std::optional<RunNode> run;  // nullopt: print `output` and `errors`, and exit with `status`
  int status = 0;              // 0; 2 for a wrong command line or configuration
  std::string output;          // for standard output, complete lines
  std::string errors;          // for standard error, complete lines
  std::optional<JournalTask> journal_task{};
};

struct CommandLine {
  int argc = 0;
  const char* const* argv = nullptr;
};

// Reads `herd-node [--config FILE] [--check] [--list] [--new-key] [--log-level LEVEL] [--discard-journal] [--version]
// [--backup FILE] [--restore FILE [--force]] [--check-journal FILE] NAME`.
[[nodiscard]] Invocation read_command_line(const CommandLine& line);

}  // namespace herd::node
