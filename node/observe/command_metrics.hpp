// The metrics of commands and updates. Pure; any thread.
#pragma once

#include "node/observe/metric_families.hpp"
#include "node/observe/status.hpp"

namespace herd::node {

// Appends herd_commands_total, herd_command_duration_seconds, herd_updates_total and herd_propagation_seconds. The
// outcomes of updates are counters of the status under other names (node/app/counter_table.hpp).
void add_commands(Families& all, const Status& status);

}  // namespace herd::node
