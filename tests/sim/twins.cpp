// A second process with the name of a node (docs/PROTOCOL.md, "One name, two processes"). It runs under load and
// faults, and the node's peers refuse it. At the end of the round it ends, or it replaces the first process.
#include <algorithm>
#include <chrono>
#include <utility>

#include "tests/sim/world.hpp"

namespace herd::sim {
namespace {

constexpr Nanoseconds kCalm{1'000'000'000};         // without faults, while the second process sends its first HELLOs
constexpr double kReportsPerStep = 0.1;             // chance that the second process receives a report
constexpr Nanoseconds kLinksWithin{5'000'000'000};  // after the faults ended
constexpr Nanoseconds kWatched{2'000'000'000};      // long enough for several claims of the second process

}  // namespace

// Whether the links of all its peers to this node are up, so that they refuse a second process.
bool World::has_all_links(NodeIndex index) const {
  const auto is_up = [&](NodeIndex of) {
    const bus::Replica& replica = nodes_[of].replica();
    for (bus::PeerIndex peer = 0; peer < replica.peers().end_number(); ++peer) {
      const bus::PeerStatus status = replica.peer_status(peer, now_at(nodes_[of]));
      if (status.name == node_name(index) && status.state != bus::Connected::Up) return false;
    }
    return true;
  };
  const auto& peers = scenario_.peers[index];
  return std::all_of(peers.begin(), peers.end(), is_up);
}

// Whether the links of the node's present run are up. Its peers may still take an earlier run's links for up.
bool World::sees_all_peers(NodeIndex index) const {
  const bus::Replica& replica = nodes_[index].replica();
  for (bus::PeerIndex peer = 0; peer < replica.peers().end_number(); ++peer) {
    if (replica.connected(peer, now_at(nodes_[index])) != bus::Connected::Up) return false;
  }
  return true;
}

// The second process's part in one step of the load.
void World::run_twin() {
  if (!twin_.process) {
    calm_until_ = time_ + kCalm;
    if (has_all_links(*scenario_.twin_of)) begin_twin();
    return;
  }
  if (!random_.chance(kReportsPerStep)) return;
  const std::string client = "t" + std::to_string(random_.below(scenario_.clients));
  const auto time = std::chrono::floor<std::chrono::seconds>(now_at(twin_).wall);
  const std::string time_text = std::to_string(time.count());
  protocol::Iamat iamat;
  iamat.client = client;
  iamat.coordinates = "+1-2";
  iamat.time_text = time_text;
  iamat.time = time;
  accept(twin(), iamat);
}

void World::begin_twin() {
  twin_.disk->restore(scenario_.twin_copies_disk ? nodes_[*scenario_.twin_of].disk->backup() : "");
  start(twin());
}

void World::end_twin() {
  count(twin_.replica());
  twin_.process.reset();
  deadlines_[twin()] = Nanoseconds::max();
  network_.reset_all(twin());
}

// The faults have ended and the stores are equal. The node must have its links. The second process claims its name
// twice per second; it must neither get the links nor acknowledge anything, as acknowledged updates would be lost with
// it.
std::string World::finish_twin(Outcome& outcome) {
  if (!twin_.process) return "the second process never started";
  const NodeIndex first = *scenario_.twin_of;
  const auto is_well = [&] {
    return has_all_links(first) && sees_all_peers(first) && !twin_.replica().may_acknowledge();
  };
  for (const Nanoseconds end = time_ + kLinksWithin; !is_well() && time_ < end;) advance_to(time_ + kStep);
  for (const Nanoseconds end = time_ + kWatched; time_ < end; advance_to(time_ + kStep)) {
    if (twin_.replica().may_acknowledge()) return "the second process acknowledges";
    if (!has_all_links(first)) return "the second process took the links of " + node_name(first);
  }
  if (!scenario_.twin_stays) {
    end_twin();
    return settle(outcome);
  }
  // The first process ends, and its address becomes that of the second.
  std::swap(nodes_[first], twin_);
  std::swap(nodes_[first].skew, twin_.skew);
  nodes_[first].process->move_to(first);
  network_.reset_all(first);
  end_twin();
  pump(first);
  return settle(outcome);
}

}  // namespace herd::sim
