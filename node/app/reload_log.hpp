// The log lines about files that a node has read at its start or at a reload. Loop thread.
#pragma once

#include <string>
#include <vector>

namespace herd::node {

// `lines`: one line for each mistake of a file that a reload has read.
void log_mistakes(const std::string& lines);

// Faults of the key files with which the node runs.
void log_key_warnings(const std::vector<std::string>& warnings);

}  // namespace herd::node
