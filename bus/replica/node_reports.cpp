#include "bus/replica/node_reports.hpp"

#include <algorithm>
#include <utility>

#include "protocol/limits.hpp"

namespace herd::bus {

using protocol::Nanoseconds;
using protocol::NodeReport;
using protocol::Now;

namespace {

constexpr std::chrono::milliseconds kLife = std::chrono::duration_cast<std::chrono::milliseconds>(kReportLife);

// Of an age that may have any value.
bool is_of_age(const NodeReport& report) {
  return report.age_ms < static_cast<std::uint64_t>(kLife.count());
}

Nanoseconds age_of(const NodeReport& report) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(report.age_ms));
}

}  // namespace

void NodeReports::set_own(NodeReport report, Now now) {
  report.node = self_;
  known_[self_] = {std::move(report), now.steady, {}};
}

void NodeReports::receive(const std::vector<NodeReport>& reports, std::string_view peer, Now now) {
  std::erase_if(known_, [&](const auto& entry) { return !is_alive(entry.second, now); });
  for (const NodeReport& report : reports) {
    if (report.node == self_ || !is_of_age(report)) continue;
    const auto known = known_.find(report.node);
    const std::size_t with_own = known_.size() + (known_.contains(self_) ? 0 : 1);
    const bool fits = known != known_.end() || with_own < protocol::kMaxNodes;
    if (!fits || (known != known_.end() && !is_newer(report, known->second, now))) continue;
    known_[report.node] = {report, now.steady - age_of(report), std::string(peer)};
  }
}

// Of two incarnations the one that was heard of later counts.
bool NodeReports::is_newer(const NodeReport& report, const Known& known, Now now) {
  if (report.incarnation == known.report.incarnation) return report.uptime_ms > known.report.uptime_ms;
  return age_of(report) < now.steady - known.made_at;
}

bool NodeReports::is_alive(const Known& known, Now now) {
  return now.steady - known.made_at < kReportLife;
}

NodeReport NodeReports::aged(const Known& known, Now now) {
  NodeReport report = known.report;
  const auto age = std::chrono::duration_cast<std::chrono::milliseconds>(now.steady - known.made_at);
  report.age_ms = static_cast<std::uint64_t>(std::max<std::int64_t>(age.count(), 0));
  return report;
}

std::vector<NodeReport> NodeReports::for_peer(std::string_view peer, Now now) const {
  std::vector<NodeReport> reports;
  for (const auto& [node, known] : known_) {
    if (node != peer && known.peer != peer && is_alive(known, now)) reports.push_back(aged(known, now));
  }
  return reports;
}

std::vector<NodeReport> NodeReports::of_others(Now now) const {
  std::vector<NodeReport> reports;
  for (const auto& [node, known] : known_) {
    if (node != self_ && is_alive(known, now)) reports.push_back(aged(known, now));
  }
  return reports;
}

}  // namespace herd::bus
