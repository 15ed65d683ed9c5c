// The command line of herd-node. Reading it touches the configuration file and the environment, prints nothing and does
// not exit: what is to be printed, and with which status, is the answer.
#pragma once

#include <optional>
#include <string>

#include "node/config/config.hpp"

namespace herd::node {

// The node to be run.
struct RunNode {
  Config config;                         // with log.level as the command line has it
  std::string name;                      // of one of config.nodes
  std::optional<std::string> log_level;  // given on the command line: it outlives a reload
  bool discard_journal = false;
};

struct Invocation {
  std::optional<RunNode> run;  // if empty: print, and exit with `status`
  int status = 0;              // 0, or 2 for bad usage or configuration
  std::string output;          // for standard output, whole lines
  std::string errors;          // for standard error, whole lines
};

struct CommandLine {
  int argc = 0;
  const char* const* argv = nullptr;
};

// herd-node [--config FILE] [--check] [--list] [--log-level LEVEL] [--discard-journal] [--version] NAME
[[nodiscard]] Invocation read_command_line(const CommandLine& line);

}  // namespace herd::node
