// The one table of all counters: each row has a name, a help text for operators, and the source of the value. From it
// come the counters of /status.json (NAME), of /metrics (herd_NAME_total, with the help text), and of the monitor's
// statistics (NAME and NAME_per_s). docs/MONITORING.md lists the same rows; tests/node/app/counter_table_test.cpp fails
// if it does not. A counter only rises, and names never change after a release; other figures are gauges, which
// node/observe/status.hpp and node/observe/metrics.cpp name. Pure; loop thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "bus/loop/journal.hpp"
#include "bus/replica/events.hpp"
#include "node/clients/counters.hpp"
#include "node/observe/status.hpp"
#include "node/observe/viewers.hpp"
#include "node/places/client.hpp"
#include "node/places/figures.hpp"

namespace herd::node {

// What the parts of a node have counted.
struct CounterSources {
  struct OfMonitor {
    Viewers::Counters viewers;
    std::uint64_t published = 0;        // events
    std::uint64_t clients_skipped = 0;  // client events that were not published
  };
  const Counters& clients;
  const bus::ReplicaCounters& bus;
  const bus::Journal::Counters& journal;
  const places::Counters& lookups;
  const std::vector<places::Figures>& providers;
  std::uint64_t bus_connections_cut = 0;
  std::uint64_t bus_refused = 0;
  std::uint64_t log_dropped = 0;
  std::uint64_t watch_conflated = 0;
  std::uint64_t watches_refused = 0;
  std::optional<OfMonitor> monitor{};  // nullopt: the node has no monitor, and none of its counters
};

// Returns all counters with their values, by name.
[[nodiscard]] std::map<std::string_view, CounterStatus> read_counters(const CounterSources& sources);

}  // namespace herd::node
