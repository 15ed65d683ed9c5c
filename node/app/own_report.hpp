// Makes this node's report for its peers, once per second (bus/replica/node_reports.hpp). Owned by the node; loop
// thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "bus/replica/node_reports.hpp"
#include "bus/replica/replica.hpp"
#include "protocol/clock.hpp"
#include "protocol/messages.hpp"

namespace herd::node {

class OwnReport {
 public:
  // `reports` must outlive it.
  explicit OwnReport(bus::NodeReports& reports) : reports_(reports) {}

  static constexpr protocol::Nanoseconds kInterval = std::chrono::seconds(1);

  // Whether set() should be called now.
  [[nodiscard]] bool is_due(protocol::Now now) const { return due_ <= now.steady; }

  struct Figures {
    protocol::Nanoseconds uptime{};
    bool ready = false;
    std::uint64_t updates = 0;  // changes of the store since the start
  };
  void set(const bus::Replica& replica, const Figures& figures, protocol::Now now);

  // The report of the last set(), with its present age and this node's name; nullopt: there was none.
  [[nodiscard]] std::optional<protocol::NodeReport> latest(protocol::Now now) const;

 private:
  bus::NodeReports& reports_;
  protocol::Nanoseconds due_{};
  protocol::Nanoseconds set_at_{};  // 0: never
  std::uint64_t updates_ = 0;       // then
  protocol::NodeReport latest_;
};

}  // namespace herd::node
