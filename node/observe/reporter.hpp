// Reports events to the log and the monitor. The replica returns its events as values; the reporter writes one log line
// for each and, if a viewer has subscribed to it, publishes it to the monitor. Loop thread only; owned by the node.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bus/replica/replica.hpp"
#include "bus/zmq/connection_guard.hpp"
#include "bus/zmq/encryption.hpp"
#include "bus/zmq/peer_addresses.hpp"
#include "node/base/rate_limit.hpp"
#include "node/base/repeats.hpp"
#include "node/observe/events.hpp"
#include "node/observe/monitor.hpp"
#include "node/observe/skew_watch.hpp"
#include "node/observe/status.hpp"

namespace herd::node {

class Reporter {
 public:
  // `monitor` may be null: then the events go to the log only. Both must outlive the reporter.
  Reporter(bus::Replica& replica, Monitor* monitor);

  // Reports the events of the replica since the last call, clock skews, and the changed records of clients. Call it
  // once per loop iteration, after the bus was pumped. Returns true if more changed records are left than one iteration
  // may publish: call it again without waiting.
  bool report(const protocol::Now& now);

  // Reports a connection between nodes that this node has cut.
  void report_cut(const bus::ConnectionCut& cut, const protocol::Now& now);

  // Reports a connection to the bus that was refused in its handshake.
  void report_refused(const bus::RefusedConnection& refused, const protocol::Now& now);

  // Reports that another address of a peer's host name is dialled, or that the name cannot be looked up.
  void report_address(const bus::PeerAddresses::Change& changed, const protocol::Now& now);
  // Reports a peer that a reload has added, moved to another address, or removed. `number`: of its link.
  void report_added(const std::string& peer, const std::string& address);
  void report_moved(const std::string& peer, const std::string& address);
  void report_removed(bus::PeerIndex number, const std::string& peer);

  // Publishes to the monitor when the journal begins to fail and when it recovers. Call it once per loop iteration.
  // `trouble` is the reason of the last failure, empty while there is none. The journal itself writes the log lines.
  void report_journal(const std::string& trouble, const protocol::Now& now);

  // The number of client events that were not published, because there were more than the node may spend time on.
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
  void report_durable(const protocol::Now& now);

  bus::Replica& replica_;
  Monitor* monitor_;
  RateLimit refusals_;
  Repeats repeated_refusals_;
  RateLimit cuts_;
  RateLimit strangers_;
  RateLimit repaired_;
  RateLimit conflicts_;
  SkewWatch skews_;
  protocol::Nanoseconds skews_due_{};
  bool journal_fails_ = false;     // as last published
  bus::ChangeNumber cursor_ = 0;   // the changes up to this number are published or skipped
  bus::ChangeNumber durable_ = 0;  // as last published
  std::uint64_t clients_skipped_ = 0;
};

// Converts the replica's state of a link to the form of the status.
[[nodiscard]] LinkStatus link_status(const bus::PeerStatus& peer);

// Fills status.links and status.name_conflict.
void add_links(Status& status, const bus::Replica& replica, const protocol::Now& now);

}  // namespace herd::node
