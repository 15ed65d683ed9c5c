#include "node/observe/command_metrics.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <string_view>
#include <utility>

namespace herd::node {
namespace {

struct Outcome {
  std::string_view source;
  std::string_view outcome;
  std::string_view counter;  // of the status
};

constexpr std::array<Outcome, 8> kOutcomes{{
    {"client", "stored", "iamat_stored"},
    {"client", "old", "iamat_not_newer"},
    {"client", "duplicate", "iamat_duplicate"},
    {"client", "refused", "clients_refused"},
    {"peer", "stored", "bus_updates_merged"},
    {"peer", "old", "bus_updates_older"},
    {"peer", "duplicate", "bus_updates_repeated"},
    {"peer", "refused", "bus_updates_unreadable"},
}};

std::string lower(std::string_view text) {
  std::string low(text);
  std::transform(low.begin(), low.end(), low.begin(), [](unsigned char byte) { return std::tolower(byte); });
  return low;
}

}  // namespace

void add_commands(Families& all, const Status& status) {
  auto commands = counters(
      {"herd_commands_total",
       "Commands of clients; refused: an unknown client, a missing right or a limit; invalid: an operand or a word"});
  for (const auto& [command, result, count] : status.commands.commands) {
    add_counter(commands, {{"command", lower(command)}, {"result", std::string(result)}}, number(count));
  }
  all.push_back(std::move(commands));
  all.push_back(histogram({"herd_command_duration_seconds",
                           "Time from the arrival of a command in the event loop until its answer is written, in "
                           "seconds; includes the wait for the journal, peers and places"},
                          status.commands.durations));
  auto updates = counters(
      {"herd_updates_total", "Updates from clients and peers; old: not newer than the record; refused: not usable"});
  for (const auto& [source, outcome, name] : kOutcomes) {
    const auto known = status.counters.find(name);
    if (known == status.counters.end()) continue;
    add_counter(updates, {{"source", std::string(source)}, {"outcome", std::string(outcome)}},
                number(known->second.value));
  }
  all.push_back(std::move(updates));
  all.push_back(
      histogram({"herd_propagation_seconds",
                 "Time from the acceptance of a report by its origin until it was merged here, in seconds, by "
                 "the clocks of both nodes: not corrected for their skew, and 0 if that makes it negative"},
                status.commands.propagation));
}

}  // namespace herd::node
