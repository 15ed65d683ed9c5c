#include <algorithm>
#include <set>
#include <utility>

#include "protocol/limits.hpp"
#include "tests/sim/world.hpp"

namespace herd::sim {
namespace {

using Edges = std::set<std::pair<NodeIndex, NodeIndex>>;

void join(Edges& edges, NodeIndex a, NodeIndex b) {
  if (a != b) edges.insert(std::minmax(a, b));
}

// Draws the links: regular shapes, the default herd, or random graphs, which need not be connected.
Edges draw_graph(std::size_t nodes, Random& random) {
  Edges edges;
  const std::uint64_t shape = random.below(7);
  for (NodeIndex i = 0; i < nodes; ++i) {
    if (shape == 0 && i > 0) join(edges, i - 1, i);   // line
    if (shape == 1) join(edges, i, (i + 1) % nodes);  // ring
    if (shape == 2) join(edges, 0, i);                // star
    if (shape == 3 && nodes <= 12) {
      for (NodeIndex j = 0; j < i; ++j) join(edges, i, j);  // full mesh
    }
    if (shape == 4) join(edges, i, i + 2 < nodes ? i + 2 : i);  // two halves
    if ((shape == 5 || (shape == 3 && nodes > 12)) && i > 0) {
      join(edges, i, random.below(i));  // random tree with chords
      if (random.chance(0.4)) join(edges, i, random.below(nodes));
    }
  }
  if (shape == 6 && nodes >= 5) edges = {{0, 1}, {0, 2}, {1, 4}, {2, 3}, {2, 4}, {3, 4}};  // the default herd
  if (edges.empty()) join(edges, 0, 1);
  return edges;
}

double half_the_time(Random& random, double rate) {
  return random.chance(0.5) ? rate : 0.0;
}

// Mostly few nodes, because faults then coincide more often; sometimes up to the maximum.
std::size_t draw_nodes(Random& random) {
  const std::uint64_t kind = random.below(100);
  if (kind < 90) return 2 + random.below(7);
  return kind < 98 ? 9 + random.below(12) : 21 + random.below(protocol::kMaxNodes - 20);
}

void draw_network(Scenario& scenario, Random& random) {
  scenario.faults.loss = half_the_time(random, 0.3) * static_cast<double>(random.below(100)) / 100;
  scenario.faults.duplicate = half_the_time(random, 0.5) * static_cast<double>(random.below(100)) / 100;
  scenario.faults.reorder = half_the_time(random, 0.3);
  scenario.faults.delay_max = Nanoseconds{random.chance(0.2) ? 300'000'000 : random.between(100'000, 5'000'000)};
  scenario.faults.outlive = half_the_time(random, 0.7);
  scenario.faults.slow_links = half_the_time(random, 0.2);
  scenario.faults.same_route = random.chance(0.5);
  scenario.resets_per_second = half_the_time(random, 3);
  scenario.partitions_per_second = half_the_time(random, 2);
  if (random.chance(0.2)) scenario.partition_max = Nanoseconds{10'000'000'000};
}

void draw_load(Scenario& scenario, Random& random) {
  scenario.limits.max_batch = random.chance(0.7) ? 1 + random.below(8) : 512;
  scenario.limits.max_in_flight = 1 + random.below(8);
  scenario.clients = 1 + random.below(60);
  scenario.reports = (50 + random.below(500)) * 8 / std::max<std::size_t>(scenario.peers.size(), 8);
  if (random.chance(0.3)) scenario.time_grain = Nanoseconds{random.between(1'000'000, 200'000'000)};
  if (random.chance(0.3)) scenario.skew_max = std::chrono::hours{6};
  scenario.restarts_per_second = half_the_time(random, 1.5);
  scenario.pauses_per_second = half_the_time(random, 1);
  scenario.crashes_per_report = random.chance(0.3) ? 0.03 : 0;
  scenario.repeats = half_the_time(random, 0.2);
}

void draw_disks(Scenario& scenario, Random& random) {
  scenario.level = static_cast<Level>(random.below(4));
  scenario.disk_faults.write_failures = half_the_time(random, 0.2);
  if (scenario.level == Level::Fsync) scenario.disk_faults.sync_failures = half_the_time(random, 0.01);
  if (random.chance(0.5)) scenario.compact_beyond = random.below(20'000);
  scenario.disk_faults.write_max = Nanoseconds{random.chance(0.2) ? 200'000'000 : random.between(50'000, 5'000'000)};
  scenario.wipes = random.chance(0.7);
  scenario.replicas = 1 + random.below(2);
  if (random.chance(0.3)) scenario.planner = {1 + random.below(6), 1 + random.below(6)};
}

// Frequent reconciliation rounds, so that they coincide with every fault; partly with faults that only they can repair.
void draw_reconciliation(Scenario& scenario, Random& random) {
  if (random.chance(0.5)) return;
  bus::ReconcileLimits& limits = scenario.reconcile;
  limits.round_min = Nanoseconds{random.between(600'000'000, 2'000'000'000)};
  limits.round_max = 2 * limits.round_min;
  limits.unchanged = limits.round_min / 4;
  limits.again = limits.round_min / 2;  // longer than the delay of an empty batch, which each HELLO restarts
  limits.answer_within = Nanoseconds{1'000'000'000};
  if (scenario.peers.size() > 8 || random.chance(0.5)) return;
  scenario.faults.hollow = half_the_time(random, 0.1);
  scenario.faults.altered = half_the_time(random, 0.1);
  scenario.wipes = false;  // updates that a peer acknowledged without receiving them would not survive a lost disk
}

// A second process with a node's name. It is refused as long as the node's peers receive messages of the node. So no
// messages are lost and no direction is blocked: a peer that receives nothing gives the name to the second process,
// which is correct.
void draw_twin(Scenario& scenario, Random& random) {
  const NodeIndex node = random.below(scenario.peers.size());
  if (scenario.peers.size() > 8 || scenario.peers[node].empty() || !random.chance(0.2)) return;
  scenario.twin_of = node;
  scenario.twin_stays = random.chance(0.5);
  scenario.faults.loss = scenario.faults.slow_links = scenario.faults.hollow = scenario.faults.altered = 0;
  scenario.partitions_per_second = 0;
  scenario.wipes = false;
  scenario.disk_faults.sync_failures = 0;
  scenario.twin_copies_disk = random.chance(0.5);
}

// Backups are made of running nodes, and restored before some of the restarts.
void draw_backups(Scenario& scenario, Random& random) {
  if (scenario.level == Level::Memory || scenario.faults.hollow > 0 || scenario.faults.altered > 0) return;
  if (scenario.twin_of || random.chance(0.5)) return;
  scenario.backups_per_second = 0.5 + static_cast<double>(random.below(6)) / 2;
  scenario.copies = 0.5 * static_cast<double>(random.below(3));  // none, half of them, or all
  scenario.restores = 0.5;
  scenario.restarts_per_second = std::max(scenario.restarts_per_second, 1.0);
}

// Another program removes or truncates journals of running nodes.
void draw_damages(Scenario& scenario, Random& random) {
  if (scenario.level == Level::Memory || scenario.faults.hollow > 0 || scenario.faults.altered > 0) return;
  if (scenario.twin_of || random.chance(0.7)) return;
  scenario.damages_per_second = 0.5;
}

// The graph changes while the other faults go on. Nodes that are not connected at the moment may hold the only copies
// of an update, so a node that stays away for good must not be the peer of which the disk makes up for a lost one.
void draw_changes(Scenario& scenario, Random& random) {
  const std::size_t nodes = scenario.peers.size();
  if (nodes > 10 || scenario.twin_of || random.chance(0.7)) return;
  scenario.graph_changes_per_second = 1 + static_cast<double>(random.below(8));
  if (nodes < 3 || random.chance(0.5)) return;
  scenario.leaver = random.below(nodes);
  if (scenario.level != Level::Replicas) return;
  scenario.wipes = false;
  scenario.restores = scenario.damages_per_second = 0;
}

}  // namespace

Scenario Scenario::drawn(std::uint64_t seed) {
  Random random(seed * 2 + 1);
  Scenario scenario;
  scenario.seed = seed;
  const std::size_t nodes = draw_nodes(random);
  scenario.peers.resize(nodes);
  for (const auto& [a, b] : draw_graph(nodes, random)) {
    scenario.peers[a].push_back(b);
    scenario.peers[b].push_back(a);
  }
  draw_network(scenario, random);
  draw_load(scenario, random);
  draw_disks(scenario, random);
  if (nodes <= 8 && random.chance(0.3)) scenario.rounds = 2 + random.below(2);
  draw_reconciliation(scenario, random);
  if (random.chance(0.3)) scenario.client_resets = 0.05;
  draw_twin(scenario, random);
  draw_backups(scenario, random);
  draw_damages(scenario, random);
  draw_changes(scenario, random);
  return scenario;
}

std::string Scenario::describe() const {
  static constexpr std::string_view kLevels[] = {"memory", "write", "fsync", "replicas"};
  std::size_t edges = 0;
  for (const auto& list : peers) edges += list.size();
  return std::to_string(peers.size()) + " nodes, " + std::to_string(edges / 2) + " links, " + std::to_string(reports) +
         " reports of " + std::to_string(clients) + " clients, loss " + std::to_string(faults.loss) + ", duplicates " +
         std::to_string(faults.duplicate) + ", restarts/s " + std::to_string(restarts_per_second) + ", resets/s " +
         std::to_string(resets_per_second) + ", partitions/s " + std::to_string(partitions_per_second) + ", pauses/s " +
         std::to_string(pauses_per_second) + ", batch " + std::to_string(limits.max_batch) + ", in flight " +
         std::to_string(limits.max_in_flight) + ", ack " + std::string(kLevels[static_cast<std::size_t>(level)]) +
         ", " + std::to_string(rounds) + " rounds" + (wipes ? ", wipes" : "") +
         (restores > 0 ? ", disks restored" : "") + (damages_per_second > 0 ? ", journals damaged" : "") +
         ", reconciliation rounds from " + std::to_string(reconcile.round_min.count() / 1'000'000) +
         " ms, resets of clients " + std::to_string(client_resets) + ", hollow " + std::to_string(faults.hollow) +
         ", altered " + std::to_string(faults.altered) + ", changes of the graph/s " +
         std::to_string(graph_changes_per_second) + (leaver ? ", " + node_name(*leaver) + " leaves" : "") +
         (twin_of
              ? ", a second process of " + node_name(*twin_of) + (twin_copies_disk ? " on a copy of its disk" : "") +
                    (twin_stays ? ", which stays" : ", which ends")
              : "");
}

}  // namespace herd::sim
