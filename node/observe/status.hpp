// The state of a node at one moment, for /status.json, /metrics and the monitor. The loop thread fills it; other
// threads read the finished object only.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bus/replica/events.hpp"
#include "bus/replica/peers.hpp"
#include "node/observe/asking_status.hpp"
#include "node/observe/command_status.hpp"
#include "node/places/figures.hpp"
#include "protocol/clock.hpp"
#include "protocol/messages.hpp"

namespace herd::node {

struct LinkStatus {
  std::string peer;
  bus::Connected state = bus::Connected::Down;
  std::string address{};                   // that this node dials, tcp://IP:PORT; empty: not known yet
  std::uint64_t sent = 0;                  // change number up to which this node has sent its feed to the peer
  std::uint64_t merged = 0;                // ... up to which the peer has acknowledged it as merged
  std::uint64_t durable = 0;               // ... up to which the peer has it in its journal; 0 without one
  std::uint64_t lag = 0;                   // records that changed after `merged`; the peer lacks no others
  std::chrono::microseconds round_trip{};  // smoothed; 0 until measured
  std::chrono::microseconds skew{};        // the peer's clock minus this node's
  bus::Traffic messages_sent{};
  bus::Traffic messages_received{};
  std::optional<bus::Claimant>
      contender{};  // a second process that claims the peer's name; refused within the last 5 s
};

// A peer has reported, within the last 5 s, that another process claims this node's name.
struct NameConflictStatus {
  std::string peer;         // the peer that reported it
  bool keeps_name = false;  // true: this process keeps the name at that peer; false: it is refused, and not ready
  bus::Claimant other;      // the other process
};

struct JournalStatus {
  std::string trouble;        // why the last write or check failed; empty if it succeeded
  bool replies_wait = false;  // whether `ack` makes IAMATs wait while there is trouble
  std::uint64_t bytes = 0;    // size of the file
};

struct CounterStatus {
  std::uint64_t value = 0;  // never falls
  std::string_view help;    // one sentence for an operator
};

struct Status {
  std::string node;
  std::uint64_t incarnation = 0;
  std::uint64_t feed_id = 0;
  std::chrono::milliseconds uptime{};
  std::uint64_t digest = 0;                    // of all records; equal digests mean equal stores
  std::uint64_t clients = 0;                   // number of records
  std::uint64_t connections = 0;               // open client connections
  std::uint64_t tls_handshakes_under_way = 0;  // of client connections
  bool ready = false;  // the first synchronisation is complete or was given up, and no peer refuses the name
  JournalStatus journal;
  AskingStatus asking;
  CommandStatus commands;
  std::optional<NameConflictStatus> name_conflict;
  std::vector<LinkStatus> links;                       // in the order of the configuration
  std::vector<std::string> nodes;                      // of the configuration, in its order, this one too
  std::optional<protocol::NodeReport> own_report;      // as the peers get it; nullopt: none was made yet
  std::vector<protocol::NodeReport> reports;           // of other nodes, by name; not only of peers
  std::map<std::string_view, CounterStatus> counters;  // by name, such as "iamat_stored": node/app/counter_table.hpp
  std::vector<places::Figures> providers;              // places providers, in the order of the configuration
  protocol::Now taken;                                 // the time of this status
};

// Returns "down", "half" or "up".
[[nodiscard]] std::string_view to_string(bus::Connected state);

// Returns a 64-bit identity as 16 hexadecimal digits: the form for all output. Readers that have only doubles
// (JavaScript, jq) would round a JSON number, and two different digests could look equal.
[[nodiscard]] std::string hexadecimal(std::uint64_t identity);

// Returns the document of /status.json: one line and LF. `incarnation`, `feed_id` and `digest` are strings
// (hexadecimal). Change numbers are JSON numbers: they stay below 2^53 for the first 8,191 starts of a feed. `lag` is
// always exact.
[[nodiscard]] std::string to_json(const Status& status);

// Returns the document of /v1/herd, one line and LF: all nodes as this one knows them, in the order of the
// configuration; then those that only a report names.
[[nodiscard]] std::string to_herd_json(const Status& status);

}  // namespace herd::node
