// What became of the commands of clients and of the updates at a node, for /metrics. Counts are since the start of the
// node. The names are literals. Plain values; any thread may read those that no thread changes.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "protocol/duration_histogram.hpp"

namespace herd::node {

struct CommandStatus {
  struct Commands {
    std::string_view command;  // "IAMAT"; "unknown": of lines that are no command
    std::string_view result;   // "answered"
    std::uint64_t count = 0;
  };

  std::vector<Commands> commands;           // each command with each result; those of one command follow each other
  protocol::DurationHistogram durations;    // of all commands
  protocol::DurationHistogram propagation;  // of updates from other nodes, as Replica::Options::propagation
};

}  // namespace herd::node
