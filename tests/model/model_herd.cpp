#include "tests/model/model_herd.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "tests/model/fault.hpp"
#include "tests/model/questions.hpp"

namespace herd::model {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t kStory = 60;  // steps that a failing history prints

std::string seconds_text(Nanoseconds time) {
  const std::string fraction = std::to_string(1'000'000'000 + time.count() % 1'000'000'000);
  return std::to_string(time.count() / 1'000'000'000) + '.' + fraction.substr(1);
}

}  // namespace

ModelHerd::ModelHerd(sim::Random& random) : random_(random), terrain_(random), wall_(1'700'000'000s) {
  const std::vector<std::string> names{"a", "ab", "abc", "b", "bus*", "car1", "car2", "car10", "z=1", "\xc3\xa9"};
  const std::size_t clients = 1 + random_.below(random_.chance(0.2) ? 120 : 12);
  for (std::size_t i = 0; i < clients; ++i) {
    clients_.push_back(i < names.size() ? names[i] : "n" + std::to_string(i * 7919 % 1000));
  }
  const std::size_t nodes = 1 + random_.below(3);
  for (std::size_t i = 0; i < nodes; ++i) {
    nodes_.push_back(std::make_unique<ModelNode>("N" + std::to_string(i), random_.number() | 1));
  }
  to_come_.resize(nodes);
}

protocol::Now ModelHerd::now() const {
  return {.steady = wall_ - 1'600'000'000s, .wall = wall_};
}

void ModelHerd::tell(std::string line) {
  story_.push_back(std::move(line));
  if (story_.size() > kStory) story_.pop_front();
}

std::string ModelHerd::story() const {
  std::string text = terrain_.describe() + ", " + std::to_string(nodes_.size()) + " nodes, " +
                     std::to_string(clients_.size()) + " clients\n";
  for (const std::string& line : story_) text += "  " + line + '\n';
  return text;
}

std::uint32_t ModelHerd::epoch_of(std::string_view at) const {
  const auto found = epochs_.find(at);
  demand(found != epochs_.end(), "an AT line that no node sent: " + std::string(at));
  return found->second;
}

Report ModelHerd::next_report(const ModelNode& node, const std::string& client) {
  Report report;
  report.origin = node.name();
  report.record.client = client;
  const auto known = node.records().find(client);
  const bool is_known = known != node.records().end();
  report.record.epoch = is_known ? known->second.epoch : 0;
  if (is_known && !known->second.is_reset() && random_.chance(0.08)) {
    ++report.record.epoch;
    report.time_text = "0";
    report.difference = wall_;
    return report;
  }
  report.record.coordinates = terrain_.coordinates();
  Nanoseconds time = wall_ - std::chrono::seconds(random_.below(100));
  if (is_known && random_.chance(0.7))
    time = std::max(time, known->second.time + std::chrono::seconds(random_.below(3)));
  if (is_known && random_.chance(0.2)) time = known->second.time;
  time -= time % 1s;  // few different times, so that equal ones happen
  report.time_text = std::to_string(time.count() / 1'000'000'000);
  if (random_.chance(0.1)) report.time_text += ".500";
  report.record.time = seconds_of(report.time_text);
  report.difference = wall_ - report.record.time;
  const Nanoseconds size(std::abs(report.difference.count()));
  report.record.at = "AT " + report.origin + (report.difference < 0ns ? " -" : " +") + seconds_text(size) + ' ' +
                     client + ' ' + report.record.coordinates + ' ' + report.time_text;
  epochs_[report.record.at] = report.record.epoch;
  return report;
}

std::string ModelHerd::report(std::size_t node) {
  const Report report = next_report(*nodes_[node], clients_[random_.below(clients_.size())]);
  const std::string changed = merge(node, report);
  if (changed.empty()) return changed;
  for (std::size_t other = 0; other < nodes_.size(); ++other) {
    if (other != node) to_come_[other].push_back(report);
  }
  return changed;
}

std::string ModelHerd::merge(std::size_t node, const Report& report) {
  ModelNode& at = *nodes_[node];
  const std::string line = at.name() + " merges " +
                           (report.record.is_reset() ? "a reset of " + report.record.client : report.record.at) +
                           ", epoch " + std::to_string(report.record.epoch);
  if (!at.merge(report)) {
    tell(line + ": unchanged");
    return {};
  }
  tell(line + ": change " + std::to_string(at.store().feed().tail()));
  ++changes_;
  on_changed(node, report.record.client);
  return report.record.client;
}

std::string ModelHerd::deliver(std::size_t node) {
  std::vector<Report>& reports = to_come_[node];
  if (reports.empty()) return {};
  const std::size_t at = random_.below(reports.size());
  const Report report = reports[at];
  reports.erase(reports.begin() + static_cast<std::ptrdiff_t>(at));
  return merge(node, report);
}

void ModelHerd::restart(std::size_t node) {
  ModelNode& at = *nodes_[node];
  const bool loses_journal = random_.chance(0.15);
  const std::size_t most = loses_journal ? at.log().size() : std::min<std::size_t>(at.log().size(), 10);
  const std::size_t lost = loses_journal ? most : random_.chance(0.5) ? 0 : random_.below(most + 1);
  // Peers send some of the lost updates again; others no node has.
  for (std::size_t i = at.log().size() - lost; i < at.log().size(); ++i) {
    if (random_.chance(0.7)) to_come_[node].push_back(at.log()[i]);
  }
  if (loses_journal) {
    at.restart_without_journal(random_.number() | 1);
  } else {
    at.restart(lost);
  }
  at.store().check_invariants();
  const std::string loss = loses_journal ? "its journal" : "its last " + std::to_string(lost) + " changes";
  tell(at.name() + " restarts without " + loss);
}

void ModelHerd::renew_feed(std::size_t node) {
  nodes_[node]->renew(random_.number() | 1);
  tell(nodes_[node]->name() + " renews its feed");
}

void ModelHerd::ask() {
  const std::size_t node = random_.below(nodes_.size());
  Questions questions({random_, terrain_, clients_});
  if (random_.chance(0.7)) {
    ModelNode& twin = *nodes_[random_.below(nodes_.size())];
    const bool equal = twin.store().digest() == nodes_[node]->store().digest();
    tell(nodes_[node]->name() + " is asked " + questions.ask_still(*nodes_[node], equal ? twin : *nodes_[node], wall_));
    return;
  }
  const auto change = [&] {
    advance(Nanoseconds(random_.between(1, 1000)));
    return random_.chance(0.5) ? report(node) : deliver(node);
  };
  tell(nodes_[node]->name() + " is asked while clients move: " + questions.ask_moving(*nodes_[node], wall_, change));
}

void ModelHerd::deliver_all() {
  tell("all updates reach all nodes");
  for (std::size_t node = 0; node < nodes_.size(); ++node) {
    for (const Report& report : std::exchange(to_come_[node], {})) (void)merge(node, report);
  }
  for (const auto& from : nodes_) {
    const std::vector<Report> log = from->log();
    for (std::size_t node = 0; node < nodes_.size(); ++node) {
      for (const Report& report : log) (void)merge(node, report);
    }
  }
  for (const auto& node : nodes_) {
    demand(node->store().digest() == nodes_[0]->store().digest(), "the stores differ at the end");
  }
}

}  // namespace herd::model
