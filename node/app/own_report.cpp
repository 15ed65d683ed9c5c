#include "node/app/own_report.hpp"

#include <utility>

namespace herd::node {

using protocol::Nanoseconds;
using protocol::Now;

void OwnReport::set(const bus::Replica& replica, const Figures& figures, Now now) {
  using std::chrono::duration_cast;
  using std::chrono::milliseconds;
  protocol::NodeReport report;
  report.incarnation = replica.self().incarnation;
  report.uptime_ms = static_cast<std::uint64_t>(duration_cast<milliseconds>(figures.uptime).count());
  report.ready = figures.ready;
  report.clients = replica.store().size();
  report.digest = replica.store().digest();
  report.peers = replica.peers().size();
  for (bus::PeerIndex peer = 0; peer < replica.peers().end_number(); ++peer) {
    if (replica.peers().has(peer) && replica.connected(peer, now) == bus::Connected::Up) ++report.peers_up;
  }
  const auto since = static_cast<std::uint64_t>(duration_cast<milliseconds>(now.steady - set_at_).count());
  if (set_at_ != Nanoseconds{} && since > 0) report.updates_per_s = (figures.updates - updates_) * 1'000 / since;
  report.node = replica.self().node;
  latest_ = report;
  reports_.set_own(std::move(report), now);
  set_at_ = now.steady;
  updates_ = figures.updates;
  due_ = now.steady + kInterval;
}

std::optional<protocol::NodeReport> OwnReport::latest(Now now) const {
  if (set_at_ == Nanoseconds{}) return std::nullopt;
  protocol::NodeReport report = latest_;
  report.age_ms =
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now.steady - set_at_).count());
  return report;
}

}  // namespace herd::node
