// The graph changes while the nodes run: the configuration gains and loses links and whole nodes, and each node reads
// it when its own reload is due, so in any order. At the end of a round all nodes have read a configuration that
// connects the nodes of each component, except that the leaver has no links.
#include <algorithm>
#include <utility>

#include "tests/sim/world.hpp"

namespace herd::sim {
namespace {

constexpr Nanoseconds kReloadWithin{1'500'000'000};  // after a change of the configuration, at each node
constexpr Nanoseconds kReloadsApart{200'000'000};    // at most, at the end of a round
constexpr std::uint64_t kMostLinks = 3;              // of a node that comes in
constexpr double kNewDisk = 0.3;                     // chance that a node comes in with an empty disk

bool are_linked(const Graph& graph, NodeIndex a, NodeIndex b) {
  return std::find(graph[a].begin(), graph[a].end(), b) != graph[a].end();
}

void link(Graph& graph, NodeIndex a, NodeIndex b) {
  if (a == b || are_linked(graph, a, b)) return;
  graph[a].push_back(b);
  graph[b].push_back(a);
}

void unlink(Graph& graph, NodeIndex a, NodeIndex b) {
  std::erase(graph[a], b);
  std::erase(graph[b], a);
}

}  // namespace

// The links of the start without those of the leaver, of which the peers are linked with each other instead: so the
// others stay connected.
Graph World::final_graph() const {
  Graph graph = scenario_.peers;
  if (!scenario_.leaver) return graph;
  const std::vector<NodeIndex> former = graph[*scenario_.leaver];
  for (const NodeIndex peer : former) unlink(graph, *scenario_.leaver, peer);
  for (std::size_t i = 1; i < former.size(); ++i) link(graph, former[i - 1], former[i]);
  return graph;
}

// One step of the load.
void World::change_graph(Nanoseconds step) {
  const double seconds = static_cast<double>(step.count()) * 1e-9;
  if (random_.chance(scenario_.graph_changes_per_second * seconds)) edit_graph();
  for (NodeIndex i = 0; i < nodes_.size(); ++i) {
    if (reload_at_[i] <= time_ && nodes_[i].paused_until <= time_) reload(i);
  }
}

// Changes one link, or all links of a node.
void World::edit_graph() {
  const NodeIndex a = random_.below(nodes_.size());
  const std::uint64_t kind = random_.below(4);
  if (kind == 0) {
    for (const NodeIndex peer : std::vector(graph_[a])) set_link(a, peer, false);
  } else if (kind == 1) {
    bring_in(a);
  } else {
    const NodeIndex b = random_.below(nodes_.size());
    set_link(a, b, !are_linked(graph_, a, b));
  }
}

// A node gets some links. If it had none, it sometimes comes with an empty disk, as a new machine with an old name
// does.
void World::bring_in(NodeIndex index) {
  const bool may_be_new = scenario_.level != Level::Memory && graph_[index].empty() && scenario_.peers[index].empty();
  if (may_be_new && random_.chance(kNewDisk)) {
    const bool counts_as_loss = scenario_.level == Level::Replicas;
    if (!counts_as_loss) drop_promises(index, "");
    if (!counts_as_loss || (scenario_.wipes && may_wipe(index))) {
      if (counts_as_loss) note_lost_disk(index);
      nodes_[index].disk->wipe();
      start(index);
    }
  }
  for (std::uint64_t links = 1 + random_.below(kMostLinks); links > 0; --links) {
    set_link(index, random_.below(nodes_.size()), true);
  }
}

// Nodes that must be connected at the end, and no others, may have a link.
void World::set_link(NodeIndex a, NodeIndex b, bool linked) {
  const bool leaves = scenario_.leaver && (*scenario_.leaver == a || *scenario_.leaver == b);
  if (a == b || linked == are_linked(graph_, a, b) || (component_[a] != component_[b] && !leaves)) return;
  if (linked) {
    link(graph_, a, b);
  } else {
    unlink(graph_, a, b);
  }
  for (const NodeIndex changed : {a, b}) {
    reload_at_[changed] = time_ + Nanoseconds{random_.between(0, kReloadWithin.count())};
  }
}

void World::reload(NodeIndex index) {
  reload_at_[index] = Nanoseconds::max();
  std::vector<NodeIndex>& peers = scenario_.peers[index];
  Process& process = *nodes_[index].process;
  for (const NodeIndex peer : peers) {
    if (!are_linked(graph_, index, peer)) process.remove_peer(peer, now_at(nodes_[index]));
  }
  for (const NodeIndex peer : graph_[index]) {
    if (std::find(peers.begin(), peers.end(), peer) == peers.end()) process.add_peer(peer, node_name(peer));
  }
  peers = graph_[index];
  nodes_[index].replica().check_invariants();
  ++reloaded_;
  pump(index);
}

void World::end_changes() {
  Graph last = final_;
  for (NodeIndex i = 0; i < nodes_.size(); ++i) {
    for (const NodeIndex peer : graph_[i]) {
      if (component_[i] == component_[peer] && random_.chance(0.3)) link(last, i, peer);
    }
  }
  graph_ = std::move(last);
  std::vector<NodeIndex> order(nodes_.size());
  for (NodeIndex i = 0; i < order.size(); ++i) {
    order[i] = i;
    std::swap(order[i], order[random_.below(i + 1)]);
  }
  for (const NodeIndex index : order) {
    reload(index);
    advance_to(time_ + Nanoseconds{random_.between(0, kReloadsApart.count())});
  }
}

}  // namespace herd::sim
