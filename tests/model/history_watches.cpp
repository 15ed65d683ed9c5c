// The part of a random history that is about watches.
#include <algorithm>
#include <limits>
#include <span>

#include "tests/model/fault.hpp"
#include "tests/model/history.hpp"
#include "tests/model/questions.hpp"

namespace herd::model {

void History::begin_watching(std::size_t node) {
  Watching& watching = watching_[node];
  ModelNode& at = *herd_.nodes()[node];
  watching.counters = {};
  watching.refused = 0;
  watching.registry =
      std::make_unique<node::watches::WatchRegistry>(at.store(), at.index(), watching.limits, watching.counters);
  watching.registry->use_feed({at.feed_id(), at.oldest()});
  at.set_on_moved(
      [registry = watching.registry.get()](std::span<const node::area::Moved> moved) { registry->apply(moved); });
}

Connection& History::connect(std::size_t node, const std::string& sees) {
  const Connection::Options options{.key = next_key_++, .node = node, .limit = limit_, .sees = sees};
  connections_.push_back(
      {node, std::make_unique<Connection>(Connection::Place{*herd_.nodes()[node], *watching_[node].registry}, options,
                                          [this](std::string_view at) { return herd_.epoch_of(at); })});
  herd_.tell("connection " + std::to_string(options.key) + " to N" + std::to_string(node) +
             (sees.empty() ? "" : ", sees " + sees));
  return *connections_.back().connection;
}

std::string History::watch_command(const std::string& tag) {
  Questions questions({random_, herd_.terrain(), herd_.clients()});
  std::string text = "WATCH " + tag;
  const std::uint64_t kind = random_.below(20);
  const bool is_area = kind >= 5;
  if (kind < 3) {
    std::string client = (random_.chance(0.05) ? "unknown" : herd_.clients()[random_.below(herd_.clients().size())]);
    if (random_.chance(0.5) || client.ends_with('*')) client = client.substr(0, 1) + '*';
    text += " CLIENT " + client;
  } else if (kind < 5) {
    text += " ALL" + questions.match();
  } else if (kind < 14) {
    const std::string km = herd_.terrain().km();
    text += " NEAR " + questions.centre() + ' ' + km + questions.match();
    const std::int64_t room = millimetres_of("20016") - millimetres_of(km);
    if (const std::string slack = herd_.terrain().km(); random_.chance(0.4) && millimetres_of(slack) <= room) {
      text += " slack=" + slack;
    }
  } else {
    const auto [south_west, north_east] = herd_.terrain().box();
    text += " WITHIN " + south_west + ' ' + north_east + questions.match();
  }
  if (is_area && random_.chance(0.25)) text += " dwell=" + std::to_string(1 + random_.below(8)) + ".5";
  if (random_.chance(0.25)) text += " every=" + std::to_string(1 + random_.below(8));
  if (random_.chance(0.25)) text += " beat=" + std::to_string(5 + random_.below(10));
  return text;
}

void History::begin_watch(Connection& connection) {
  start(connection, watch_command("w" + std::to_string(random_.below(4))), {});
}

void History::start(Connection& connection, const std::string& command, std::optional<WatchView> earlier) {
  herd_.tell("connection " + std::to_string(connection.options().key) + ": " + command);
  const std::size_t node = connection.options().node;
  const std::string answer = connection.watch({command, std::move(earlier), is_full(node)}, herd_.now());
  if (connection.was_refused_by_limit()) ++watching_[node].refused;
  herd_.tell("  " + answer.substr(0, answer.size() - 1));
  if (answer.starts_with("? ")) return;
  ++totals_->watches;
  if (answer.ends_with(" resumed\n")) ++totals_->resumed;
}

void History::end_watch(Connection& connection) {
  const std::string tag = "w" + std::to_string(random_.below(4));
  connection.unwatch(tag, herd_.now());
  herd_.tell("connection " + std::to_string(connection.options().key) + ": UNWATCH " + tag);
  if (random_.chance(0.5)) begin_watch(connection);
}

void History::leave(std::size_t index) {
  const Connection& connection = *connections_[index].connection;
  herd_.tell("connection " + std::to_string(connection.options().key) + " ends");
  for (const auto& [tag, view] : connection.reader().views()) kept_.push_back({view, connection.options().sees});
  if (kept_.size() > 8) kept_.erase(kept_.begin(), kept_.end() - 8);
  totals_->lines += connection.lines_read();
  connections_.erase(connections_.begin() + static_cast<std::ptrdiff_t>(index));
}

void History::end_input(std::size_t index) {
  Connection& connection = *connections_[index].connection;
  drain(index);
  if (random_.chance(0.7)) begin_watch(connection);
  if (random_.chance(0.7)) let_node_work(connections_[index].node, 1 + random_.below(20));
  while (!connection.is_read()) connection.read(1000);
  herd_.tell("connection " + std::to_string(connection.options().key) + " ends its input");
  connection.end_input();
  (void)herd_.report(connections_[index].node);
  write_all(index);
  connection.judge_end();
  leave(index);
}

bool History::is_full(std::size_t node) const {
  std::size_t watches = 0;
  for (const Attached& each : connections_) {
    if (each.node == node) watches += each.connection->watches();
  }
  return watches >= watching_[node].limits.max_per_node;
}

void History::resume(std::size_t node) {
  const std::vector<Kept> all = kept_;
  kept_.clear();
  for (const Kept& kept : all) {
    if (random_.chance(0.5)) kept_.push_back(kept);  // resumes another time, too
    const auto fits = [&](const Attached& each) {
      return each.node == node && each.connection->options().sees == kept.sees &&
             !each.connection->has_tag(kept.view.command().tag);
    };
    const auto found = std::find_if(connections_.begin(), connections_.end(), fits);
    Connection& connection = found == connections_.end() ? connect(node, kept.sees) : *found->connection;
    const std::string& text = kept.view.command().text;
    start(connection, text.substr(0, text.find(" from=")) + from_option(kept.view), kept.view);
  }
}

// Mostly the place after the last event that was read.
std::string History::from_option(const WatchView& view) {
  std::string feed = view.feed();
  std::uint64_t number = view.number();
  if (random_.chance(0.05)) number = 0;
  if (random_.chance(0.05)) number += 1'000'000;
  if (random_.chance(0.05)) feed[0] = feed[0] == 'a' ? 'b' : 'a';
  return " from=" + feed + ':' + std::to_string(number);
}

void History::let_node_work(std::size_t node, std::uint64_t steps) {
  herd_.nodes()[node]->follow(steps);
  for (const node::watches::Watcher* const watcher : watching_[node].registry->take_due(herd_.now().steady)) {
    for (const Attached& each : connections_) {
      if (&each.connection->watcher() == watcher) each.connection->announce();
    }
  }
  for (const Attached& each : connections_) {
    if (each.node == node) each.connection->write(steps, herd_.now());
  }
}

void History::drain(std::size_t index) {
  Connection& connection = *connections_[index].connection;
  herd_.tell("connection " + std::to_string(connection.options().key) + " reads everything");
  write_all(index);
  connection.judge(herd_.now());
  const Watching& watching = watching_[connections_[index].node];
  watching.registry->check_invariants();
  demand(watching.counters.refused == watching.refused, "watches_refused is wrong");
  ++totals_->judged;
}

void History::write_all(std::size_t index) {
  Connection& connection = *connections_[index].connection;
  for (int round = 0; round < 100'000; ++round) {
    let_node_work(connections_[index].node, std::numeric_limits<std::uint64_t>::max());
    if (connection.is_drained()) break;
    connection.read(1000);
  }
  demand(connection.is_drained(), "the node never says that all is written");
}

}  // namespace herd::model
