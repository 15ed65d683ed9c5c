#include "node/app/asking_report.hpp"

#include "node/watches/event_text.hpp"

namespace herd::node {

AskingStatus status_of(const Asking& asking) {
  AskingStatus status;
  for (std::size_t command = 0; command < kQueryCommands.size(); ++command) {
    for (std::size_t result = 0; result < kQueryResults.size(); ++result) {
      status.queries.push_back({kQueryCommands[command], kQueryResults[result], asking.counters().of(command, result)});
    }
  }
  const watches::WatchCounters& watched = asking.watch_counters();
  for (std::size_t kind = 0; kind < watches::kEventKinds; ++kind) {
    status.events.push_back({watches::name_of(static_cast<watches::EventKind>(kind)), watched.events[kind]});
  }
  status.waiting = asking.waiting();
  status.indexed = asking.index().is_active() ? asking.index().tree().size() : 0;
  status.index_bytes = asking.index().memory();
  status.watches = watched.watches;
  status.members = watched.members;
  return status;
}

CommandStatus status_of(const CommandFigures& commands, const protocol::DurationHistogram& propagation) {
  CommandStatus status;
  for (std::size_t command = 0; command < kCommandList.size(); ++command) {
    for (std::size_t result = 0; result < kCommandResults.size(); ++result) {
      status.commands.push_back(
          {kCommandList[command].name, kCommandResults[result], commands.counts.of(command, result)});
    }
  }
  status.commands.push_back({"unknown", "invalid", commands.counts.unknown()});
  status.durations = commands.times.histogram();
  status.propagation = propagation;
  return status;
}

}  // namespace herd::node
