// The judgement after the faults have ended: the stores become equal, nothing is lost, and the herd comes to rest.
#include "tests/sim/world.hpp"

namespace herd::sim {
namespace {

constexpr Nanoseconds kSettleWithin{
    20'000'000'000};  // from the end of the faults to equal digests; more means that the herd is stuck
constexpr Nanoseconds kRest{5'000'000'000};         // observed after that: only pings and reconciliation may be sent
constexpr std::uint64_t kRestMessagesPerLink = 25;  // five pings and pongs, and two stragglers of each kind
constexpr std::uint64_t kRoundMessages = 6;         // HELLO, its answer, two WELCOMEs, DIGEST and its answer

}  // namespace

void World::end_faults() {
  network_.end_faults();
  disk_faults_.write_failures = disk_faults_.sync_failures = 0;
  unblocks_.clear();
  for (NodeIndex i = 0; i < nodes_.size(); ++i) nodes_[i].paused_until = std::min(nodes_[i].paused_until, time_);
  if (scenario_.graph_changes_per_second > 0) end_changes();
}

bool World::converged() const {
  for (NodeIndex i = 0; i < nodes_.size(); ++i) {
    const bus::Store& mine = nodes_[i].replica().store();
    const bus::Store& first = nodes_[component_[i]].replica().store();
    if (mine.digest() != first.digest() || mine.size() != first.size()) return false;
  }
  return true;
}

// Changed messages (planted()) are repaired by reconciliation rounds, one link after the other, and only after a
// difference has lasted for some time.
Nanoseconds World::settle_within() const {
  if (!network_.planted()) return kSettleWithin;
  const auto hops = static_cast<std::int64_t>(nodes_.size());
  return kSettleWithin + 2 * hops * (scenario_.reconcile.round_max + 2 * scenario_.reconcile.again);
}

std::string World::settle(Outcome& outcome) {
  const Nanoseconds begin = time_;
  while (!converged() && time_ - begin < settle_within()) advance_to(time_ + kStep);
  outcome.converged_after = std::max(outcome.converged_after, time_ - begin);
  return converged() ? "" : "the stores did not become equal in time after the faults ended";
}

void World::count(const bus::Replica& replica) {
  totals_.rounds += replica.counters().digest_rounds;
  totals_.pulled += replica.counters().buckets_pulled;
  totals_.repaired += replica.counters().divergences_healed;
  totals_.renewed += replica.counters().feeds_renewed;
}

// If no message was changed, cursors miss nothing, so reconciliation must not find a record to repair.
std::string World::needless_repairs() const {
  if (network_.planted() || totals_.repaired == 0) return "";
  return std::to_string(totals_.repaired) + " records were repaired although no message was changed";
}

// A crash never removes changes from a journal that a peer may know of, so it must not renew a feed. A node that starts
// with a backup takes a new feed id by itself, so no peer must find an impossible position.
std::string World::needless_renewals() const {
  if (restored_as_is_ + damaged_ > 0 || scenario_.twin_copies_disk || totals_.renewed == 0) return "";
  return std::to_string(totals_.renewed) + " feeds were renewed although no disk was copied byte by byte or damaged";
}

// After convergence: every link is up, every reply has left, and only pings and reconciliation are sent.
std::string World::rest() {
  advance_to(time_ + kRest);
  // While a slow disk still writes changes that replies wait for, peers are asked repeatedly. That is correct, so wait.
  const Nanoseconds begin = time_;
  while (!unanswered().empty() && time_ - begin < kSettleWithin) advance_to(time_ + kStep);
  const std::uint64_t before = network_.messages();
  std::size_t links = 0;
  advance_to(time_ + kRest);
  for (NodeIndex i = 0; i < nodes_.size(); ++i) {
    const bus::Replica& replica = nodes_[i].replica();
    links += replica.peers().size();
    for (bus::PeerIndex peer = 0; peer < replica.peers().end_number(); ++peer) {
      if (!replica.peers().has(peer)) continue;
      const bus::PeerStatus status = replica.peer_status(peer, now_at(nodes_[i]));
      if (status.state != bus::Connected::Up)
        return "the link from " + node_name(i) + " to " + status.name + " is not up";
      if (status.lag != 0) return "the link from " + node_name(i) + " to " + status.name + " lags without an end";
    }
    if (!replica.synchronised()) return node_name(i) + " never finished its first synchronisation";
  }
  const auto rounds = static_cast<std::uint64_t>(kRest / scenario_.reconcile.round_min) + 1;
  if (network_.messages() - before > links * (kRestMessagesPerLink + rounds * kRoundMessages))
    return "the herd does not come to rest: too many messages";
  return converged() ? "" : "the stores differ again after they had been equal";
}

std::string World::forgotten() const {
  for (NodeIndex i = 0; i < nodes_.size(); ++i) {
    for (const auto& [client, age] : nodes_[i].reported) {
      if (is_older(nodes_[i].replica(), client, age)) return node_name(i) + " lost a report of " + client;
    }
  }
  return "";
}

// Every node in the same component must have the record of each answered report, or a newer one.
std::string World::lost() const {
  if (scenario_.level == Level::Memory) return "";
  for (const auto& [key, age] : promised_) {
    for (NodeIndex i = 0; i < nodes_.size(); ++i) {
      if (component_[i] != key.first) continue;
      if (is_older(nodes_[i].replica(), key.second, age))
        return node_name(i) + " lost an acknowledged update of " + key.second;
    }
  }
  return "";
}

std::string World::unanswered() const {
  for (NodeIndex i = 0; i < nodes_.size(); ++i) {
    if (!nodes_[i].process->waiting().empty()) return "a reply of " + node_name(i) + " never left";
  }
  return "";
}

}  // namespace herd::sim
