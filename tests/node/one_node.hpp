// The parts that the client side of a node needs, for tests: a replica without peers, and a clock that the test sets.
#pragma once

#include <string>

#include "bus/replica/replica.hpp"
#include "node/base/loop_clock.hpp"
#include "node/clients/client_warnings.hpp"
#include "node/clients/commands.hpp"
#include "node/clients/counters.hpp"
#include "node/config/config.hpp"
#include "protocol/clock.hpp"

namespace herd::node {

struct OneNode {
  LoopClock clock;
  protocol::Now& now = clock.stopped();
  ClientsConfig config;
  WatchesConfig watches;
  Counters counters;
  bus::Replica replica{bus::Replica::Options{
      .self = {"test", "Hill", 1, 1}, .peers = {}, .limits = {}, .hash_seed = 0, .durability = {}}};

  // The node's clock is half a second ahead of the time in kIamat.
  OneNode() { now = {std::chrono::seconds(1'000), protocol::Nanoseconds(1'520'023'934'500'000'000)}; }
  OneNode(const OneNode&) = delete;
  OneNode& operator=(const OneNode&) = delete;
};

inline const std::string kIamat = "IAMAT kiwi +34.068930-118.445127 1520023934";
inline const std::string kAt = "AT Hill +0.500000000 kiwi +34.068930-118.445127 1520023934\n";
inline const std::string kDocument = R"({"html_attributions":[],"results":[{"name":"a"}],"status":"OK"})";
inline const std::string kEmptyDocument = R"({"html_attributions":[],"results":[],"status":"OK"})";

}  // namespace herd::node
