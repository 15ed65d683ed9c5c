// What a node says of itself at one moment. The loop fills it, everybody else (HTTP, monitor) only reads a finished copy.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "protocol/clock.hpp"

namespace herd::node {

enum class LinkState : std::uint8_t { Down, Half, Up };

struct LinkStatus {
  std::string peer;
  LinkState state = LinkState::Down;
  std::uint64_t sent = 0;    // change number up to which the peer was sent
  std::uint64_t merged = 0;  // ... up to which it has acknowledged merging
  std::uint64_t kept = 0;    // ... up to which it has it in a journal; 0 without one
  std::uint64_t lag = 0;     // change numbers not yet acknowledged
  std::chrono::microseconds round_trip{};  // smoothed; 0 until measured
  std::chrono::microseconds skew{};        // the peer's clock minus ours
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
  std::vector<LinkStatus> links;  // in the order of the configuration
  std::map<std::string, std::uint64_t> counters;  // by name, rising only: "iamat_stored", "bus_updates_merged", ...
  protocol::Now taken;            // when
};

}  // namespace herd::node
