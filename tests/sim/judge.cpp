// What must be true of a herd that was healed: it comes together, nothing is lost, and it comes to rest.
#include "tests/sim/world.hpp"

namespace herd::sim {
namespace {

constexpr Nanoseconds kSettleWithin{20'000'000'000};  // equal digests after the heal, or the herd is stuck
constexpr Nanoseconds kRest{5'000'000'000};           // watched after that: nothing but pings may be heard
constexpr std::uint64_t kRestMessagesALink = 25;      // five pings and pongs, and two stragglers of each kind
constexpr std::uint64_t kRoundMessages = 6;           // HELLO, its answer, two WELCOMEs, DIGEST and its answer

}  // namespace

void World::heal() {
  network_.heal();
  disks_fail_ = false;
  unblocks_.clear();
  for (NodeIndex i = 0; i < nodes_.size(); ++i) nodes_[i].paused_until = std::min(nodes_[i].paused_until, time_);
}

bool World::converged() const {
  for (NodeIndex i = 0; i < nodes_.size(); ++i) {
    const bus::Store& mine = nodes_[i].replica->store();
    const bus::Store& first = nodes_[component_[i]].replica->store();
    if (mine.digest() != first.digest() || mine.size() != first.size()) return false;
  }
  return true;
}

// What was planted is healed by rounds, link by link, and only what differs for a while is.
Nanoseconds World::settle_within() const {
  if (!network_.planted()) return kSettleWithin;
  const auto hops = static_cast<std::int64_t>(nodes_.size());
  return kSettleWithin + 2 * hops * (scenario_.reconcile.round_max + 2 * scenario_.reconcile.again);
}

std::string World::settle(Outcome& outcome) {
  const Nanoseconds begin = time_;
  while (!converged() && time_ - begin < settle_within()) advance_to(time_ + kStep);
  outcome.converged_after = std::max(outcome.converged_after, time_ - begin);
  return converged() ? "" : "the stores did not become equal in time after the heal";
}

void World::count(const bus::Replica& replica) {
  compared_.rounds += replica.counters().digest_rounds;
  compared_.pulled += replica.counters().buckets_pulled;
  compared_.repaired += replica.counters().divergences_healed;
  compared_.renewed += replica.counters().feeds_renewed;
}

// Where nothing is planted the cursors tell the truth: comparing stores must find nothing that they missed.
std::string World::falsely_healed() const {
  if (network_.planted() || compared_.repaired == 0) return "";
  return std::to_string(compared_.repaired) + " records were healed that no cursor had lost";
}

// A crash takes nothing from a journal that a peer could know of.
std::string World::falsely_renewed() const {
  if (restored_ > 0 || scenario_.twin_copies_disk || compared_.renewed == 0) return "";
  return std::to_string(compared_.renewed) + " feeds were renewed though no disk was restored or copied";
}

// After convergence: every link is up, every answer given, and only pings go back and forth.
std::string World::rest() {
  advance_to(time_ + kRest);
  // While a slow disk still writes what replies wait for, peers are asked again and again: that is no unrest.
  const Nanoseconds begin = time_;
  while (!unanswered().empty() && time_ - begin < kSettleWithin) advance_to(time_ + kStep);
  const std::uint64_t before = network_.messages();
  std::size_t links = 0;
  advance_to(time_ + kRest);
  for (NodeIndex i = 0; i < nodes_.size(); ++i) {
    const bus::Replica& replica = *nodes_[i].replica;
    for (bus::PeerIndex peer = 0; peer < replica.peers(); ++peer, ++links) {
      const bus::PeerStatus status = replica.peer_status(peer, now_at(nodes_[i]));
      if (status.state != bus::Connected::Up)
        return "the link from " + node_name(i) + " to " + status.name + " is not up";
      if (status.lag != 0) return "the link from " + node_name(i) + " to " + status.name + " lags for ever";
    }
    if (!replica.synchronised()) return node_name(i) + " never finished its first synchronisation";
  }
  const auto rounds = static_cast<std::uint64_t>(kRest / scenario_.reconcile.round_min) + 1;
  if (network_.messages() - before > links * (kRestMessagesALink + rounds * kRoundMessages))
    return "the herd does not come to rest";
  return converged() ? "" : "the stores came apart after they had been equal";
}

std::string World::forgotten() const {
  for (NodeIndex i = 0; i < nodes_.size(); ++i) {
    for (const auto& [client, age] : nodes_[i].told) {
      if (is_older(*nodes_[i].replica, client, age)) return node_name(i) + " forgot what it was told of " + client;
    }
  }
  return "";
}

// What was answered to a client must be known, or something not older, by every node that it could have reached.
std::string World::lost() const {
  if (scenario_.level == Level::Memory) return "";
  for (const auto& [key, age] : promised_) {
    for (NodeIndex i = 0; i < nodes_.size(); ++i) {
      if (component_[i] != key.first) continue;
      if (is_older(*nodes_[i].replica, key.second, age))
        return node_name(i) + " lost an acknowledged update of " + key.second;
    }
  }
  return "";
}

std::string World::unanswered() const {
  for (NodeIndex i = 0; i < nodes_.size(); ++i) {
    if (!nodes_[i].waiting.empty()) return "a reply of " + node_name(i) + " never left";
  }
  return "";
}

}  // namespace herd::sim
