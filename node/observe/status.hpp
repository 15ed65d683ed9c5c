// What a node says of itself at one moment. The loop fills it, everybody else (HTTP, monitor) only reads a finished
// copy.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bus/replica/events.hpp"
#include "node/places/figures.hpp"
#include "protocol/clock.hpp"

namespace herd::node {

enum class LinkState : std::uint8_t { Down, Half, Up };

struct LinkStatus {
  std::string peer;
  LinkState state = LinkState::Down;
  std::uint64_t sent = 0;                    // change number up to which the peer was sent
  std::uint64_t merged = 0;                  // ... up to which it has acknowledged merging
  std::uint64_t durable = 0;                 // ... up to which it has it in a journal; 0 without one
  std::uint64_t lag = 0;                     // changes not yet acknowledged, at most
  std::chrono::microseconds round_trip{};    // smoothed; 0 until measured
  std::chrono::microseconds skew{};          // the peer's clock minus ours
  std::optional<bus::Claimant> contender{};  // another process that claims the peer's name, and was refused lately
};

// Another process claims this node's name, as a peer said lately.
struct NameConflictStatus {
  std::string peer;         // which peer
  bool keeps_name = false;  // this process keeps the name there; else it is refused, and not ready
  bus::Claimant other;
};

struct JournalStatus {
  std::string trouble;        // why the last write failed; empty: it did not
  bool replies_wait = false;  // while there is trouble: IAMATs are not answered until it is over
  std::uint64_t bytes = 0;    // of the file
};

struct Status {
  std::string node;
  std::uint64_t incarnation = 0;
  std::uint64_t feed_id = 0;
  std::chrono::milliseconds uptime{};
  std::uint64_t digest = 0;       // equal digests: equal stores
  std::uint64_t clients = 0;      // records known
  std::uint64_t connections = 0;  // client connections open
  bool ready = false;             // sockets bound, first synchronisation done or given up waiting for
  JournalStatus journal;
  std::optional<NameConflictStatus> name_conflict;
  std::vector<LinkStatus> links;                  // in the order of the configuration
  std::map<std::string, std::uint64_t> counters;  // by name, rising only: "iamat_stored", "bus_updates_merged", ...
  std::vector<places::Figures> providers;         // of places, in the order of the configuration
  protocol::Now taken;                            // when
};

// The counters of the bus, as "bus_...".
void add_bus(Status& status, const bus::ReplicaCounters& bus);

// "down", "half" or "up".
[[nodiscard]] std::string_view to_string(LinkState state);

// A 64-bit identity as 16 hexadecimal digits, the form in which it leaves the node. As a JSON number it would be
// rounded by every reader that knows only doubles (JavaScript, jq), and two different digests could then look equal.
[[nodiscard]] std::string hexadecimal(std::uint64_t identity);

// The document of /status.json, one line and LF. `incarnation`, `feed_id` and `digest` are texts (hexadecimal above).
// Change numbers are numbers: a feed's first 8,191 starts stay below 2^53, and `lag` is exact always.
[[nodiscard]] std::string to_json(const Status& status);

}  // namespace herd::node
