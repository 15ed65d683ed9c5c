// Says what happened, once: the replica returns its events as values, and here they become one line of the log each
// and, where a viewer wants them, messages of the monitor. Loop thread only.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bus/replica/replica.hpp"
#include "bus/zmq/connection_guard.hpp"
#include "node/base/rate_limit.hpp"
#include "node/observe/events.hpp"
#include "node/observe/monitor.hpp"
#include "node/observe/skew_watch.hpp"
#include "node/observe/status.hpp"

namespace herd::node {

class Reporter {
 public:
  // `monitor` may be null: then only the log is written. Both must outlive the reporter.
  Reporter(bus::Replica& replica, Monitor* monitor);

  // Once a turn, after the bus was pumped: new events, and the clients that moved. True if there are more of those than
  // one turn may publish.
  bool report(const protocol::Now& now);

  // A connection between nodes that was cut.
  void report_cut(const bus::ConnectionCut& cut, const protocol::Now& now);

  // Once a turn: why the journal's last write failed, empty if it did not. Viewers are told when that begins and ends.
  void report_journal(const std::string& trouble, const protocol::Now& now);

  // Client events not published because viewers wanted them faster than the node may spend time on them.
  [[nodiscard]] std::uint64_t clients_skipped() const { return clients_skipped_; }

 private:
  void report_link(const bus::LinkChanged& change, const protocol::Now& now);
  void report_refusal(const bus::PeerRefused& refusal, const protocol::Now& now);
  void report_conflict(const bus::NameConflict& conflict, const protocol::Now& now);
  void report_repaired(const bus::DivergenceRepaired& repaired, const protocol::Now& now);
  void report_renewed(const bus::FeedRenewed& renewed, const protocol::Now& now);
  void report_skews(const protocol::Now& now);
  void report_skew(const bus::PeerStatus& peer, Skew skew, const protocol::Now& now);
  bool report_clients(const protocol::Now& now);

  bus::Replica& replica_;
  Monitor* monitor_;
  RateLimit refusals_;
  RateLimit cuts_;
  RateLimit repaired_;
  RateLimit conflicts_;
  SkewWatch skews_;
  protocol::Nanoseconds skews_due_{};
  bool journal_fails_ = false;    // as was last published
  bus::ChangeNumber cursor_ = 0;  // clients reported up to here
  std::uint64_t clients_skipped_ = 0;
};

// What the replica knows of its links and of its name, as the status says it.
[[nodiscard]] LinkStatus link_status(const bus::PeerStatus& peer);
void add_links(Status& status, const bus::Replica& replica, const protocol::Now& now);

}  // namespace herd::node
