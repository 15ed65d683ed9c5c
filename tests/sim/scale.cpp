#include "tests/sim/scale.hpp"

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/world.hpp"

namespace herd::sim {
namespace {

constexpr Nanoseconds kOpening{5'000'000'000};  // the links open, and the first reconciliation rounds end
constexpr Nanoseconds kQuiet{10'000'000'000};   // in which the messages of the idle herd are counted, to be subtracted
constexpr Nanoseconds kLook{100'000};           // how often convergence is checked
constexpr Nanoseconds kConvergedWithin{10'000'000'000};
constexpr Nanoseconds kAftermath{500'000'000};  // for the last acknowledgements and empty batches
constexpr Nanoseconds kWallTime{1'700'000'000'000'000'000};

struct Row {
  const char* name;
  Load load;
};
// At 300 updates per second a link has time to acknowledge each; at 20,000 it reaches its limit of batches in flight,
// so batches grow.
const Row kRows[] = {
    {"one by one", {100, Nanoseconds{0}, false, true}},
    {"300/s at one node", {1000, Nanoseconds{3'333'333}, false, false}},
    {"300/s at all", {1000, Nanoseconds{3'333'333}, true, false}},
    {"20,000/s at all", {5000, Nanoseconds{50'000}, true, false}},
};
constexpr std::size_t kSizes[] = {5, 16, 64, 200, 500};

using Graph = std::vector<std::vector<NodeIndex>>;

void join(Graph& graph, NodeIndex a, NodeIndex b) {
  if (a == b || std::find(graph[a].begin(), graph[a].end(), b) != graph[a].end()) return;
  graph[a].push_back(b);
  graph[b].push_back(a);
}

// 5 nodes: the default herd. Others are similar: a ring, and chords that pair the nodes at random.
Graph draw_scale_graph(std::size_t nodes, Random& random) {
  Graph graph(nodes);
  if (nodes == 5) {
    for (const auto& [a, b] : {std::pair{0, 1}, {0, 2}, {1, 4}, {2, 3}, {2, 4}, {3, 4}}) {
      join(graph, static_cast<NodeIndex>(a), static_cast<NodeIndex>(b));
    }
    return graph;
  }
  std::vector<NodeIndex> order(nodes);
  std::iota(order.begin(), order.end(), NodeIndex{0});
  for (NodeIndex i = nodes - 1; i > 0; --i) std::swap(order[i], order[random.below(i + 1)]);
  for (NodeIndex i = 0; i < nodes; ++i) join(graph, i, (i + 1) % nodes);
  for (NodeIndex i = 0; i + 1 < nodes; i += 2) join(graph, order[i], order[i + 1]);
  return graph;
}

// The number of hops from a node to the farthest one.
std::size_t hops_from(const Graph& graph, NodeIndex start) {
  std::vector<NodeIndex> reached{start};
  std::vector<std::size_t> hops(graph.size(), SIZE_MAX);
  hops[start] = 0;
  for (std::size_t i = 0; i < reached.size(); ++i) {
    for (const NodeIndex next : graph[reached[i]]) {
      if (hops[next] != SIZE_MAX) continue;
      hops[next] = hops[reached[i]] + 1;
      reached.push_back(next);
    }
  }
  return hops[reached.back()];
}

std::size_t diameter(const Graph& graph) {
  std::size_t most = 0;
  for (NodeIndex i = 0; i < graph.size(); ++i) most = std::max(most, hops_from(graph, i));
  return most;
}

std::size_t links(const Graph& graph) {
  const auto add = [](std::size_t sum, const auto& peers) { return sum + peers.size(); };
  return std::accumulate(graph.begin(), graph.end(), std::size_t{0}, add) / 2;
}

Scenario quiet_scenario(std::uint64_t seed, Graph graph) {
  Scenario scenario;
  scenario.seed = seed;
  scenario.peers = std::move(graph);
  scenario.faults.same_route = true;
  scenario.faults.delay_min = Nanoseconds{500'000};
  scenario.faults.delay_max = Nanoseconds{1'500'000};
  scenario.level = Level::Write;
  scenario.disk_faults.write_max = Nanoseconds{200'000};
  return scenario;
}

}  // namespace

Nanoseconds World::run_until_converged() {
  const Nanoseconds begin = time_;
  while (!converged() && time_ - begin < kConvergedWithin) advance_to(time_ + kLook);
  return time_ - begin;
}

void World::report_phone(std::size_t number, NodeIndex index) {
  const std::string client = "phone-" + std::to_string(1'000'000 + number) + ".example";
  const Nanoseconds time = kWallTime + time_;
  const std::string fraction = std::to_string(1'000'000'000 + time.count() % 1'000'000'000).substr(1);
  const std::string time_text = std::to_string(time.count() / 1'000'000'000) + "." + fraction;
  protocol::Iamat iamat;
  iamat.client = client;
  iamat.coordinates = "+34.068930-118.445127";
  iamat.time_text = time_text;
  iamat.time = time;
  accept(index, iamat);
}

Cost World::cost_of(const Load& load) {
  advance_to(time_ + kOpening);
  const std::uint64_t messages_before = network_.messages();
  const std::uint64_t bytes_before = network_.bytes();
  advance_to(time_ + kQuiet);
  const double quiet = static_cast<double>(kQuiet.count());
  const double messages_idle = static_cast<double>(network_.messages() - messages_before) / quiet;
  const double bytes_idle = static_cast<double>(network_.bytes() - bytes_before) / quiet;

  const Nanoseconds begin = time_;
  const std::uint64_t messages = network_.messages();
  const std::uint64_t bytes = network_.bytes();
  Cost cost;
  for (std::size_t i = 0; i < load.updates; ++i) {
    report_phone(i, load.spread ? random_.below(nodes_.size()) : 0);
    if (load.one_by_one) cost.converged_after = std::max(cost.converged_after, run_until_converged());
    if (i + 1 < load.updates) advance_to(time_ + (load.one_by_one ? kAftermath : load.apart));
  }
  cost.converged_after = std::max(cost.converged_after, run_until_converged());
  cost.converged = converged();
  advance_to(time_ + kAftermath);
  const double took = static_cast<double>((time_ - begin).count());
  const double updates = static_cast<double>(load.updates);
  cost.messages = (static_cast<double>(network_.messages() - messages) - messages_idle * took) / updates;
  cost.bytes = (static_cast<double>(network_.bytes() - bytes) - bytes_idle * took) / updates;
  return cost;
}

bool print_scale(std::uint64_t seed, std::size_t most) {
  std::puts(
      "| nodes | links | diameter | load | messages per update | bytes per update | bytes per node | converged after "
      "|");
  std::puts("|---|---|---|---|---|---|---|---|");
  bool all_converged = true;
  for (const std::size_t nodes : kSizes) {
    if (nodes > most) break;
    Random random(seed);
    const Graph graph = draw_scale_graph(nodes, random);
    for (const Row& row : kRows) {
      const Cost cost = World(quiet_scenario(seed, graph)).cost_of(row.load);
      all_converged = all_converged && cost.converged;
      const double size = static_cast<double>(nodes);
      std::printf("| %zu | %zu | %zu hops | %s | %.1f | %.0f | %.0f | %.1f ms |\n", nodes, links(graph),
                  diameter(graph), row.name, cost.messages, cost.bytes, cost.bytes / size,
                  static_cast<double>(cost.converged_after.count()) * 1e-6);
      std::fflush(stdout);
    }
  }
  return all_converged;
}

}  // namespace herd::sim
