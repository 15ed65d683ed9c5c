// Sentences for the log, the monitor and /readyz about two processes that claim one name. Pure; any thread.
#pragma once

#include <string>

#include "bus/replica/claims.hpp"
#include "bus/replica/events.hpp"
#include "node/observe/status.hpp"

namespace herd::node {

// Returns "tcp://192.0.2.7:12240 (connected from 192.0.2.7, incarnation 8f3a61c20be94d17)".
[[nodiscard]] std::string describe(const bus::Claimant& process);

// Describes a conflict, or its end, and what to do. `own_name` is the name of this node.
[[nodiscard]] std::string sentence_of(const bus::NameConflict& conflict, const std::string& own_name);

// Describes why this process is not ready: a peer refuses it. Precondition: `conflict.keeps_name` is false.
[[nodiscard]] std::string refused_sentence(const NameConflictStatus& conflict, const std::string& own_name);

}  // namespace herd::node
