#include "tests/sim/world.hpp"

#include <algorithm>
#include <cstdio>
#include <limits>
#include <utility>

#include "protocol/command.hpp"

namespace herd::sim {
namespace {

constexpr Nanoseconds kWallBase{1'700'000'000'000'000'000};
// Between two checks of a replica's invariants, of all nodes together. A check takes ten times as long as an iteration.
constexpr std::uint64_t kIterationsPerCheck = 32;

std::string decimal(Nanoseconds time) {
  char text[32];
  std::snprintf(text, sizeof text, "%lld.%09lld", static_cast<long long>(time.count() / 1'000'000'000),
                static_cast<long long>(time.count() % 1'000'000'000));
  return text;
}

// For each node, its connected component: the lowest index of a node that can reach it.
std::vector<std::size_t> components(const Graph& peers) {
  std::vector<std::size_t> component(peers.size());
  for (NodeIndex i = 0; i < peers.size(); ++i) component[i] = i;
  for (std::size_t round = 0; round < peers.size(); ++round) {
    for (NodeIndex i = 0; i < peers.size(); ++i) {
      for (const NodeIndex j : peers[i]) component[i] = component[j] = std::min(component[i], component[j]);
    }
  }
  return component;
}

}  // namespace

World::World(const Scenario& scenario)
    : scenario_(scenario),
      graph_(scenario.peers),
      final_(final_graph()),
      reload_at_(scenario.peers.size(), Nanoseconds::max()),
      random_(scenario.seed),
      network_(scenario.peers.size() + 1, scenario.faults, random_),
      disk_faults_(scenario.disk_faults),
      nodes_(scenario.peers.size()),
      deadlines_(scenario.peers.size() + 1, Nanoseconds::max()),
      component_(components(final_)) {
  if (scenario_.twin_of) scenario_.peers.push_back(scenario_.peers[*scenario_.twin_of]);
  twin_.disk = std::make_unique<Disk>(random_, time_, disk_faults_);
  for (NodeIndex i = 0; i < nodes_.size(); ++i) {
    nodes_[i].disk = std::make_unique<Disk>(random_, time_, disk_faults_);
    nodes_[i].skew = Nanoseconds{random_.between(-scenario_.skew_max.count(), scenario_.skew_max.count())};
    start(i);
  }
}

protocol::Now World::now_at(const Node& node) const {
  return {time_, kWallBase + time_ + node.skew};
}

// The state that the disk gives.
bus::RecoveredState World::recover(Node& node, std::uint64_t fresh_feed_id) {
  auto state = bus::recover(node.disk->journal(), fresh_feed_id, 0);
  if (!state) {
    refused_ = state.error().message;
    return bus::empty_state(fresh_feed_id, 0);
  }
  if (state->copy && state->run.feed_id != fresh_feed_id)
    refused_ = "a node started with a copy of a journal, and continues the feed of the original";
  node.disk->cut(state->valid_bytes);
  return std::move(*state);
}

bus::Replica::Options World::options_of(NodeIndex index) {
  bus::Replica::Options options;
  options.self = {"sim", node_name(named_as(index)), random_.number() | 1, 0, "tcp://" + node_name(index)};
  if (scenario_.twin_of) options.name_wait = bus::kNameWait;
  for (const NodeIndex peer : scenario_.peers[index]) options.peers.push_back(node_name(peer));
  options.limits = scenario_.limits;
  options.limits.prompt_durable = scenario_.level == Level::Replicas;
  if (scenario_.level != Level::Replicas) options.limits.ack_delay = bus::kAckDelay;
  options.durability.journal = scenario_.level != Level::Memory;
  if (scenario_.level == Level::Replicas) {
    options.durability.replicas = std::min(scenario_.replicas, final_[named_as(index)].size());
  }
  options.planner = scenario_.planner;
  options.reconcile = scenario_.reconcile;
  options.jitter_seed = options.self.incarnation;
  options.random_id = [this] { return random_.number() | 1; };
  return options;
}

// A new run of a node, with the state that its disk gives.
void World::start(NodeIndex index) {
  Node& node = at(index);
  ++node.incarnations;
  node.reported.clear();
  node.damaged_at = 0;
  if (index != twin()) {  // it reads the configuration as it is now
    scenario_.peers[index] = graph_[index];
    reload_at_[index] = Nanoseconds::max();
  }
  network_.reset_all(index);
  if (node.process) count(node.replica());
  node.process.reset();
  bus::Replica::Options options = options_of(index);
  auto replica = std::make_unique<bus::Replica>(std::move(options), recover(node, random_.number() | 1));
  node.disk->append_synced(replica->planner().begin_run());
  const auto answered = [this, &node, index](const Reply& reply) { note_answer(node, named_as(index), reply); };
  const bus::Journal::Options journal{scenario_.level == Level::Fsync, node.disk->bytes(), scenario_.compact_beyond};
  node.process = std::make_unique<Process>(Process::Parts{index, scenario_.peers[index], network_, time_, *node.disk,
                                                          answered, [this](std::uint64_t value) { note(value); }},
                                           std::move(replica), journal);
  pump(index);
}

// A reply has left, so from now on its update must not be lost. If another program has damaged the journal since the
// record was written, the node need not have noticed that yet.
void World::note_answer(const Node& node, NodeIndex name, const Reply& reply) {
  ++acknowledged_;
  if (reply.number <= node.damaged_at && !node.disk->is_sound()) return;
  Age& promised = promised_[{component_[name], reply.client}];
  promised = std::max(promised, reply.age);
}

// The end of a loop iteration.
void World::pump(NodeIndex index) {
  Node& node = at(index);
  if (!node.process) return;
  const Nanoseconds deadline = node.process->iterate(now_at(node));
  if (++iterations_ % kIterationsPerCheck == 0) node.replica().check_invariants();
  if (node.process->disk_lost()) return restart(index);
  deadlines_[index] = std::max({deadline, time_ + Nanoseconds{1'000}, node.paused_until});
}

void World::deliver_next() {
  const auto delivery = network_.pop();
  if (!delivery) return;
  Node& node = at(delivery->to);
  if (node.paused_until > time_) {
    network_.postpone(*delivery,
                      node.paused_until);  // also of a connection that was reset: it counts as sent over the new one
    return;
  }
  if (!node.process) return;
  note(delivery->order);
  note(static_cast<std::uint64_t>(time_.count()));
  node.process->arrive(*delivery);
  pump(delivery->to);
  if (at(delivery->from).paused_until <= time_) pump(delivery->from);  // the connection can take another message
}

Nanoseconds World::next_event() const {
  const Nanoseconds deadline = *std::min_element(deadlines_.begin(), deadlines_.end());
  return std::min(deadline, network_.next_at().value_or(Nanoseconds::max()));
}

void World::advance_to(Nanoseconds time) {
  while (next_event() <= time) {
    time_ = std::max(time_, next_event());
    if (network_.next_at() && *network_.next_at() <= time_) {
      deliver_next();
      continue;
    }
    for (NodeIndex i = 0; i < deadlines_.size(); ++i) {
      if (deadlines_[i] <= time_) pump(i);
    }
  }
  time_ = time;
}

// The time in a client's report. Each client's clock is wrong by an amount of its own; time_grain is its resolution.
Nanoseconds World::reported_time(std::size_t client) {
  const auto skew =
      Nanoseconds{static_cast<std::int64_t>(client * 0x9e3779b97f4a7c15ULL >> 2) % scenario_.skew_max.count()};
  const Nanoseconds time = kWallBase + time_ + skew - Nanoseconds{random_.between(0, 50'000'000)};
  return time - time % scenario_.time_grain;
}

void World::accept() {
  const NodeIndex index = random_.below(nodes_.size());
  Node& node = nodes_[index];
  const std::size_t client_index = random_.below(scenario_.clients);
  const std::string client = "c" + std::to_string(client_index);
  const Nanoseconds time = reported_time(client_index);
  const std::string time_text = decimal(time);
  const std::string coordinates =
      "+" + std::to_string(10 + random_.below(80)) + ".5-" + std::to_string(100 + random_.below(80)) + ".25";
  if (node.paused_until > time_) return;
  protocol::Iamat iamat;
  iamat.client = client;
  iamat.coordinates = coordinates;
  iamat.time_text = time_text;
  iamat.time = time;
  accept(index, iamat);
  if (random_.chance(scenario_.repeats)) accept(index, iamat);
  if (scenario_.client_resets > 0 && random_.chance(scenario_.client_resets)) reset_client(index, client);
  if (time_ >= calm_until_ && random_.chance(scenario_.crashes_per_report)) restart(index);
}

void World::accept(NodeIndex index, const protocol::Iamat& iamat) {
  Node& node = at(index);
  const bus::AcceptOutcome outcome = node.replica().accept(iamat, now_at(node));
  const Age age{node.replica().find(iamat.client)->epoch, iamat.time};
  if (outcome.result == bus::Accepted::Stored) {
    ++stored_;
    node.reported[std::string(iamat.client)] = age;
  }
  node.process->answer({std::string(iamat.client), age, outcome.number});
  pump(index);
}

// An operator resets a client at a node. The reply is a promise like any other.
void World::reset_client(NodeIndex index, const std::string& client) {
  Node& node = nodes_[index];
  const bus::ResetOutcome outcome = node.replica().reset(client, now_at(node));
  if (outcome.reset == bus::Reset::Unknown) return;
  const Age age{outcome.epoch, Nanoseconds{}};
  if (outcome.reset == bus::Reset::Done) node.reported[client] = age;
  node.process->answer({client, age, outcome.number});
  pump(index);
}

bool World::is_older(const bus::Replica& replica, const std::string& client, const Age& age) {
  const auto record = replica.find(client);
  return !record || Age{record->epoch, record->time} < age;
}

void World::block_for_a_while() {
  const NodeIndex from = random_.below(nodes_.size());
  const auto& peers = scenario_.peers[from];
  if (peers.empty()) return;
  const NodeIndex to = peers[random_.below(peers.size())];
  const Nanoseconds until = time_ + Nanoseconds{random_.between(10'000'000, scenario_.partition_max.count())};
  network_.block(from, to, true);
  unblocks_.push_back({until, from, to});
  if (random_.chance(0.5)) return;  // half of the partitions are one-way
  network_.block(to, from, true);
  unblocks_.push_back({until, to, from});
}

void World::inject_faults(Nanoseconds step) {
  if (scenario_.twin_of) run_twin();
  if (scenario_.graph_changes_per_second > 0) change_graph(step);
  if (time_ < calm_until_) return;
  const double seconds = static_cast<double>(step.count()) * 1e-9;
  if (random_.chance(scenario_.restarts_per_second * seconds)) restart(random_.below(nodes_.size()));
  if (scenario_.backups_per_second > 0 && random_.chance(scenario_.backups_per_second * seconds)) {
    back_up(random_.below(nodes_.size()));
  }
  if (random_.chance(scenario_.resets_per_second * seconds)) {
    network_.reset(random_.below(nodes_.size()), random_.below(nodes_.size()));
  }
  if (scenario_.damages_per_second > 0 && random_.chance(scenario_.damages_per_second * seconds)) {
    damage(random_.below(nodes_.size()));
  }
  if (random_.chance(scenario_.partitions_per_second * seconds)) block_for_a_while();
  if (random_.chance(scenario_.pauses_per_second * seconds)) {
    nodes_[random_.below(nodes_.size())].paused_until = time_ + Nanoseconds{random_.between(1'000'000, 1'000'000'000)};
  }
  std::erase_if(unblocks_, [&](const Unblock& unblock) {
    if (unblock.at > time_) return false;
    network_.block(unblock.from, unblock.to, false);
    return true;
  });
}

void World::under_load() {
  const Nanoseconds end = time_ + scenario_.length;
  std::vector<Nanoseconds> reports(scenario_.reports);
  for (Nanoseconds& at : reports) at = time_ + Nanoseconds{random_.between(0, scenario_.length.count())};
  std::sort(reports.begin(), reports.end());
  auto next_report = reports.begin();
  for (Nanoseconds step = time_ + kStep; step <= end; step += kStep) {
    for (; next_report != reports.end() && *next_report <= step; ++next_report) {
      advance_to(*next_report);
      accept();
    }
    advance_to(step);
    inject_faults(kStep);
  }
}

// Load and faults, then their end. After it the stores must become equal with nothing lost, all replies must leave, and
// the herd must come to rest. Returns what is wrong, or an empty text.
std::string World::round(Outcome& outcome) {
  under_load();
  end_faults();
  std::string fault = settle(outcome);
  if (fault.empty() && scenario_.twin_of) fault = finish_twin(outcome);
  if (fault.empty()) fault = forgotten();
  if (fault.empty()) fault = lost();
  if (fault.empty()) fault = rest();
  if (fault.empty()) fault = unanswered();
  return fault;
}

// Begins another round. All updates are on all disks now, so one disk may be lost at any level but Memory.
void World::disturb() {
  network_.disturb(scenario_.faults);
  disk_faults_ = scenario_.disk_faults;
  wiped_.reset();
  const NodeIndex index = random_.below(nodes_.size());
  if (scenario_.level == Level::Memory || !scenario_.wipes || !may_wipe(index)) return;
  wipe(index);
  start(index);
}

Outcome World::run() {
  Outcome outcome;
  for (std::size_t i = 0; i < scenario_.rounds && outcome.fault.empty(); ++i) {
    if (i > 0) disturb();
    outcome.fault = round(outcome);
  }
  for (const Node& node : nodes_) count(node.replica());
  outcome.rounds = totals_.rounds;
  outcome.pulled = totals_.pulled;
  outcome.repaired = totals_.repaired;
  outcome.restored = restored_;
  outcome.damaged = damaged_;
  outcome.renewed = totals_.renewed;
  outcome.reloaded = reloaded_;
  if (outcome.fault.empty()) outcome.fault = needless_repairs();
  if (outcome.fault.empty()) outcome.fault = needless_renewals();
  if (!refused_.empty()) outcome.fault = "a journal was refused: " + refused_;
  outcome.trace = trace_;
  outcome.messages = network_.messages();
  outcome.bytes = network_.bytes();
  outcome.stored = stored_;
  outcome.acknowledged = acknowledged_;
  return outcome;
}

}  // namespace herd::sim
