#include "node/observe/reporter.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "node/observe/name_conflict.hpp"
#include "protocol/reply.hpp"
#include "protocol/unreachable.hpp"

namespace herd::node {
namespace {

// The most client events per loop iteration, and the most change numbers by which the published events may lag before
// the oldest ones are skipped.
constexpr std::size_t kClientsPerIteration = 512;
constexpr bus::ChangeNumber kMaxClientLag = 16 * kClientsPerIteration;

// A peer of another herd sends HELLO every 500 ms.
constexpr RateLimit::Rate kRefusals{0.2, 5};

constexpr std::string_view kDivergence =
    "the stores differed although the link had sent all changes: check memory and disks of both machines";
// Strangers can cause a cut with every connection.
constexpr RateLimit::Rate kCuts{0.2, 5};

// A stranger dials again without a pause; so does a node with the wrong keys.
constexpr RateLimit::Rate kStrangers{0.2, 5};

// A large divergence is repaired in many messages.
constexpr RateLimit::Rate kRepaired{0.2, 5};

// A process that is restarted repeatedly claims the name with a new incarnation each time.
constexpr RateLimit::Rate kConflicts{0.2, 5};

constexpr std::string_view kRenewed =
    "a peer has changes of this feed that this journal does not contain: it was restored from a backup or copied, or "
    "the machine was rolled back or lost unsynced writes. This node takes a new feed id and fetches the missing "
    "records";

constexpr protocol::Nanoseconds kSkewPeriod = std::chrono::seconds(1);  // the period of PONGs

std::chrono::microseconds in_us(protocol::Nanoseconds time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time);
}

}  // namespace

LinkStatus link_status(const bus::PeerStatus& peer) {
  LinkStatus link;
  link.peer = peer.name;
  link.state = peer.state;
  link.sent = peer.cursors.sent;
  link.merged = peer.cursors.merged;
  link.durable = peer.cursors.durable;
  link.lag = peer.lag;
  link.round_trip = in_us(peer.round_trip);
  link.skew = in_us(peer.skew);
  link.contender = peer.contender;
  link.messages_sent = peer.sent;
  link.messages_received = peer.received;
  return link;
}

void add_links(Status& status, const bus::Replica& replica, const protocol::Now& now) {
  for (bus::PeerIndex peer = 0; peer < replica.peers().end_number(); ++peer) {
    if (replica.peers().has(peer)) status.links.push_back(link_status(replica.peer_status(peer, now)));
  }
  const auto report = replica.name_report(now);
  if (report) status.name_conflict = {replica.peers()[report->peer].name, report->keeps_name, report->other};
}

Reporter::Reporter(bus::Replica& replica, Monitor* monitor)
    : replica_(replica),
      monitor_(monitor),
      refusals_(kRefusals),
      cuts_(kCuts),
      strangers_(kStrangers),
      repaired_(kRepaired),
      conflicts_(kConflicts) {}

bool Reporter::report(const protocol::Now& now) {
  const bus::Events events = replica_.take_events();
  for (const bus::LinkChanged& change : events.links) report_link(change, now);
  for (const bus::NameConflict& conflict : events.conflicts) report_conflict(conflict, now);
  for (const bus::PeerRefused& refusal : events.refused) report_refusal(refusal, now);
  for (const bus::DivergenceRepaired& repaired : events.repaired) report_repaired(repaired, now);
  for (const bus::FeedRenewed& renewed : events.renewed) report_renewed(renewed, now);
  report_skews(now);
  const bool more = report_clients(now);
  report_durable(now);
  return more;
}

void Reporter::report_link(const bus::LinkChanged& change, const protocol::Now& now) {
  switch (change.state) {
    case bus::Connected::Up:
      spdlog::info("event=link_opened peer={} lag={}", change.peer, change.lag);
      break;
    case bus::Connected::Half:
      spdlog::info("event=link_half peer={} lag={} reason=\"its messages arrive, but it does not answer\"", change.peer,
                   change.lag);
      break;
    case bus::Connected::Down:
      spdlog::info("event=link_lost peer={} lag={}", change.peer, change.lag);
      break;
  }
  if (monitor_ == nullptr) return;
  const auto peer = replica_.peers().number_of(change.peer);  // nullopt: it was removed since
  if (peer) publish_link(*monitor_, link_status(replica_.peer_status(*peer, now)), now.wall);
}

void Reporter::report_refusal(const bus::PeerRefused& refusal, const protocol::Now& now) {
  // A node that was removed here, and has not reloaded yet, repeats its HELLO as long as it runs.
  if (repeated_refusals_.contains(refusal.peer + ' ' + refusal.reason, now.steady)) return;
  if (!refusals_.allows(now.steady)) return;
  const std::uint64_t suppressed = refusals_.take_suppressed(now.steady);
  const std::string peer = protocol::escape_for_log(refusal.peer);
  const std::string reason = protocol::escape_for_log(refusal.reason);
  spdlog::warn("event=peer_refused peer={} reason=\"{}\" suppressed={}", peer.empty() ? "?" : peer, reason, suppressed);
  if (monitor_ == nullptr) return;
  publish_trouble(*monitor_, {EventLevel::Warning, EventKind::Peer, "peer_refused", peer + ": " + reason}, now.wall);
}

void Reporter::report_cut(const bus::ConnectionCut& cut, const protocol::Now& now) {
  if (!cuts_.allows(now.steady)) return;
  spdlog::warn("event=bus_connection_cut from=\"{}\" waiting={} reason=\"{}\" suppressed={}", cut.from, cut.waiting,
               cut.reason, cuts_.take_suppressed(now.steady));
  if (monitor_ == nullptr) return;
  const std::string message = fmt::format("{}: {}", cut.from, cut.reason);
  publish_trouble(*monitor_, {EventLevel::Warning, EventKind::Peer, "bus_connection_cut", message}, now.wall);
}

void Reporter::report_refused(const bus::RefusedConnection& refused, const protocol::Now& now) {
  if (!strangers_.allows(now.steady)) return;
  const std::string host = refused.host.empty() ? "?" : protocol::escape_for_log(refused.host);
  const std::string key = refused.key.empty() ? "-" : refused.key;
  spdlog::warn("event=bus_refused from={} key={} reason=\"{}\" suppressed={}", host, key, refused.reason,
               strangers_.take_suppressed(now.steady));
  if (monitor_ == nullptr) return;
  const std::string message = fmt::format("{}: {}", host, refused.reason);
  publish_trouble(*monitor_, {EventLevel::Warning, EventKind::Peer, "bus_refused", message}, now.wall);
}

// Needs no rate limit: a name is looked up every five seconds at most, and only changes are reported.
void Reporter::report_address(const bus::PeerAddresses::Change& changed, const protocol::Now& now) {
  const auto& [host, endpoint, trouble] = changed.change;
  const std::string peer = replica_.peer_status(changed.peer, now).name;
  if (trouble.empty()) {
    spdlog::info("event=peer_address peer={} host={} address={}", peer, host, endpoint);
    return;
  }
  const std::string remedy = fmt::format(
      "the host name of {} cannot be looked up ({}): {}; correct `bus_public` or `bus` of {}, or the name service of "
      "this host",
      peer, trouble, endpoint.empty() ? "there is no link until it can" : "the last known address stays in use", peer);
  spdlog::warn("event=peer_name_unresolved peer={} host={} address={} reason=\"{}\"", peer, host,
               endpoint.empty() ? "-" : endpoint, remedy);
  if (monitor_ == nullptr) return;
  publish_trouble(*monitor_, {EventLevel::Warning, EventKind::Peer, "peer_name_unresolved", remedy}, now.wall);
}

void Reporter::report_added(const std::string& peer, const std::string& address) {
  spdlog::info("event=peer_added peer={} address={}", peer, address);
}

void Reporter::report_moved(const std::string& peer, const std::string& address) {
  spdlog::info("event=peer_moved peer={} address={}", peer, address);
}

void Reporter::report_removed(bus::PeerIndex number, const std::string& peer) {
  skews_.forget(number);
  spdlog::info("event=peer_removed peer={}", peer);
}

void Reporter::report_conflict(const bus::NameConflict& conflict, const protocol::Now& now) {
  if (!conflicts_.allows(now.steady)) return;
  const std::uint64_t suppressed = conflicts_.take_suppressed(now.steady);
  const std::string_view event = conflict.over ? "name_conflict_over" : "name_conflict";
  const std::string sentence = sentence_of(conflict, replica_.self().node);
  spdlog::warn("event={} peer={} reason=\"{}\" suppressed={}", event, conflict.peer, sentence, suppressed);
  if (monitor_ == nullptr) return;
  const bool of_peer = conflict.role == bus::NameConflict::Role::Witness;
  publish_trouble(*monitor_, {EventLevel::Warning, of_peer ? EventKind::Peer : EventKind::Node, event, sentence},
                  now.wall);
}

void Reporter::report_repaired(const bus::DivergenceRepaired& repaired, const protocol::Now& now) {
  if (!repaired_.allows(now.steady)) return;
  const std::uint64_t suppressed = repaired_.take_suppressed(now.steady);
  spdlog::warn("event=divergence_healed peer={} records={} reason=\"{}\" suppressed={}", repaired.peer,
               repaired.records, kDivergence, suppressed);
  if (monitor_ == nullptr) return;
  const std::string message =
      fmt::format("{} records fetched from {}: {}", repaired.records, repaired.peer, kDivergence);
  publish_trouble(*monitor_, {EventLevel::Warning, EventKind::Peer, "divergence_healed", message}, now.wall);
}

// Needs no rate limit: bus/link/link_limits.hpp bounds how often a feed is renewed.
void Reporter::report_renewed(const bus::FeedRenewed& renewed, const protocol::Now& now) {
  const std::string feed_id = hexadecimal(renewed.feed_id);
  spdlog::warn("event=feed_renewed peer={} feed_id={} reason=\"{}\"", renewed.peer, feed_id, kRenewed);
  if (monitor_ == nullptr) return;
  const std::string message = fmt::format("by the cursor of {}: {}", renewed.peer, kRenewed);
  publish_trouble(*monitor_, {EventLevel::Warning, EventKind::Node, "feed_renewed", message}, now.wall);
}

void Reporter::report_skews(const protocol::Now& now) {
  if (now.steady < skews_due_) return;
  skews_due_ = now.steady + kSkewPeriod;
  for (bus::PeerIndex peer = 0; peer < replica_.peers().end_number(); ++peer) {
    if (!replica_.peers().has(peer)) continue;
    const bus::PeerStatus status = replica_.peer_status(peer, now);
    if (status.state != bus::Connected::Up) continue;
    if (const auto changed = skews_.update(peer, status.skew)) report_skew(status, *changed, now);
  }
}

void Reporter::report_skew(const bus::PeerStatus& peer, Skew skew, const protocol::Now& now) {
  const double seconds = std::chrono::duration<double>(peer.skew).count();
  const auto warn = [&](std::string_view state, std::string_view message) {
    spdlog::warn("event=clock_skew peer={} state={} skew_s={:+.3f} reason=\"{}\"", peer.name, state, seconds, message);
    if (monitor_ == nullptr) return;
    const std::string text = fmt::format("{} {:+.3f} s: {}", peer.name, seconds, message);
    publish_trouble(*monitor_, {EventLevel::Warning, EventKind::Peer, "clock_skew", text}, now.wall);
  };
  switch (skew) {
    case Skew::Well:
      return warn("well", "the peer's clock agrees with this node's again");
    case Skew::Off:
      return warn("off", "the peer's clock is off by more than a second: run a time service on both machines");
    case Skew::Far:
      return warn("far", "THE CLOCKS ARE FAR APART: set them now, or reports are refused or merged in the wrong order");
  }
  protocol::unreachable();
}

void Reporter::report_journal(const std::string& trouble, const protocol::Now& now) {
  if (trouble.empty() != journal_fails_) return;
  journal_fails_ = !trouble.empty();
  if (monitor_ == nullptr) return;
  // Both have one topic, so that a viewer that receives the first receives the second.
  const Trouble begins{EventLevel::Error, EventKind::Node, "journal_failing", trouble};
  const Trouble ends{EventLevel::Error, EventKind::Node, "journal_recovered", "the journal can be written again"};
  publish_trouble(*monitor_, journal_fails_ ? begins : ends, now.wall);
}

// The monitor is one more reader of the feed. While no viewer is subscribed, its cursor follows the tail.
bool Reporter::report_clients(const protocol::Now& now) {
  const bus::Store& store = replica_.store();
  const bus::ChangeNumber tail = store.feed().tail();
  if (monitor_ == nullptr || !wants_clients(*monitor_)) {
    cursor_ = tail;
    return false;
  }
  if (tail - cursor_ > kMaxClientLag) {
    clients_skipped_ += tail - cursor_ - kMaxClientLag;
    cursor_ = tail - kMaxClientLag;
  }
  bus::Feed::Reader reader = store.feed().read_after(cursor_);
  const std::size_t most =
      std::min(kClientsPerIteration, monitor_->events_at_once({EventLevel::Info, EventKind::Client}));
  for (std::size_t count = 0; count < most; ++count) {
    const auto entry = reader.next();
    if (!entry) {
      cursor_ = tail;
      return false;
    }
    cursor_ = entry->number;
    publish_client(*monitor_, entry->number, store.record_at(entry->index), now.wall);
  }
  return cursor_ < tail;
}

// After the events of the clients, so that a viewer knows a change before it learns that the change is durable.
void Reporter::report_durable(const protocol::Now& now) {
  const bus::ChangeNumber durable = std::min(replica_.planner().durable(), cursor_);
  if (durable == durable_) return;
  durable_ = durable;
  if (monitor_ != nullptr) publish_durable(*monitor_, durable, now.wall);
}

}  // namespace herd::node
