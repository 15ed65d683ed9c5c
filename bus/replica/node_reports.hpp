// What is known about the state of all nodes of the herd, for an operator who looks at any of them. Each PONG carries
// the sender's own report and those that it has from other peers (rule 31), so reports travel one link per second, and
// no further message is needed. Nothing else depends on them.
//
// Pure; memory is bounded by kMaxNodes reports. Owned by the node, used by its replica; loop thread only.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/clock.hpp"
#include "protocol/messages.hpp"

namespace herd::bus {

// A report of this age is forgotten. So a node that has stopped is shown for this long, and a report reaches nodes that
// are up to 30 links away.
inline constexpr protocol::Nanoseconds kReportLife = std::chrono::seconds(30);

class NodeReports {
 public:
  // `self`: this node's name.
  explicit NodeReports(std::string self) : self_(std::move(self)) {}

  // This node's own report; call it about once per second. Its node and age are set here.
  void set_own(protocol::NodeReport report, protocol::Now now);

  // The reports in a PONG of `peer`. Keeps the newest of each other node.
  void receive(const std::vector<protocol::NodeReport>& reports, std::string_view peer, protocol::Now now);

  // The reports for a PONG to `peer`, with their present ages: without its own, and without those that it has sent.
  [[nodiscard]] std::vector<protocol::NodeReport> for_peer(std::string_view peer, protocol::Now now) const;

  // The reports of all other nodes, by name, with their present ages.
  [[nodiscard]] std::vector<protocol::NodeReport> of_others(protocol::Now now) const;

 private:
  struct Known {
    protocol::NodeReport report;
    protocol::Nanoseconds made_at{};  // in steady time of this node
    std::string peer;                 // that sent it; empty: it is this node's own
  };

  [[nodiscard]] static bool is_newer(const protocol::NodeReport& report, const Known& known, protocol::Now now);
  [[nodiscard]] static bool is_alive(const Known& known, protocol::Now now);
  [[nodiscard]] static protocol::NodeReport aged(const Known& known, protocol::Now now);

  std::string self_;
  std::map<std::string, Known, std::less<>> known_;  // by the name of the node
};

}  // namespace herd::bus
