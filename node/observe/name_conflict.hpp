// What a node says where two processes claim one name: sentences for the log, the monitor and /readyz. Pure.
#pragma once

#include <string>

#include "bus/replica/claims.hpp"
#include "bus/replica/events.hpp"
#include "node/observe/status.hpp"

namespace herd::node {

// "tcp://192.0.2.7:12240 (connected from 192.0.2.7, incarnation 8f3a61c20be94d17)"
[[nodiscard]] std::string describe(const bus::Claimant& process);

// What is wrong, then what to do. `own_name` is that of this node.
[[nodiscard]] std::string sentence_of(const bus::NameConflict& conflict, const std::string& own_name);

// The same of a node's status, where this process is the refused one: why it is not ready.
[[nodiscard]] std::string refused_sentence(const NameConflictStatus& conflict, const std::string& own_name);

}  // namespace herd::node
