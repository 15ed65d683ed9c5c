// Puts the figures of commands, queries and watches into the status. Pure; loop thread.
#pragma once

#include "node/clients/asking.hpp"
#include "node/clients/command_figures.hpp"
#include "node/observe/asking_status.hpp"
#include "node/observe/command_status.hpp"

namespace herd::node {

[[nodiscard]] AskingStatus status_of(const Asking& asking);
[[nodiscard]] CommandStatus status_of(const CommandFigures& commands, const protocol::DurationHistogram& propagation);

}  // namespace herd::node
