#include "tests/model/history.hpp"

#include <array>

#include "tests/model/fault.hpp"

namespace herd::model {

using namespace std::chrono_literals;

History::History(std::uint64_t seed) : random_(seed), herd_(random_), watching_(herd_.nodes().size()) {
  constexpr std::array<std::size_t, 4> kLimits{1, 200, 2000, 100'000};
  limit_ = kLimits.at(random_.below(kLimits.size()));
  for (std::size_t node = 0; node < watching_.size(); ++node) {
    if (random_.chance(0.1)) watching_[node].limits.max_members = 1 + random_.below(6);
    if (random_.chance(0.1)) watching_[node].limits.max_per_node = 1 + random_.below(6);
    begin_watching(node);
  }
  herd_.on_changed = [this](std::size_t node, const std::string& client) {
    for (const Attached& each : connections_) {
      if (each.node == node) each.connection->changed(client, herd_.now());
    }
  };
}

std::string History::story() const {
  std::string text = herd_.story() + "  output limit " + std::to_string(limit_) + '\n';
  for (const Attached& each : connections_) {
    const Connection::Options& options = each.connection->options();
    text += "  connection " + std::to_string(options.key) + " to N" + std::to_string(each.node) +
            (options.sees.empty() ? "" : ", sees " + options.sees) + ", read last:\n";
    for (const std::string& line : each.connection->last_lines()) text += "    " + line + '\n';
  }
  return text;
}

std::string History::run(Totals& totals) {
  totals_ = &totals;
  std::string fault;
  try {
    for (std::uint64_t steps = 50 + random_.below(200); steps > 0; --steps) step();
    finish();
  } catch (const Fault& found) {
    fault = found.what();
  }
  totals.changes += herd_.changes();
  for (const Attached& each : connections_) totals.lines += each.connection->lines_read();
  return fault;
}

void History::step() {
  herd_.advance(Nanoseconds(random_.between(1, 1'000'000)));
  const std::size_t node = random_.below(herd_.nodes().size());
  const std::size_t at = connections_.empty() ? 0 : random_.below(connections_.size());
  const std::uint64_t kind = random_.below(200);
  if (kind < 70) {
    (void)herd_.report(node);
  } else if (kind < 95) {
    (void)herd_.deliver(node);
  } else if (kind < 103) {
    herd_.advance(Nanoseconds(random_.between(1, random_.chance(0.5) ? 3'000'000'000 : 20'000'000'000)));
  } else if (kind < 130) {
    const std::uint64_t work = 1 + random_.below(random_.chance(0.3) ? 5 : 1000);
    herd_.tell("N" + std::to_string(node) + " works for " + std::to_string(work) + " steps");
    let_node_work(node, work);
  } else if (kind < 134) {
    resume(node);
  } else if (kind < 136) {
    restart(node);
  } else if (kind < 137) {
    renew_feed(node);
  } else if (kind < 144) {
    ask();
  } else if (connections_.empty() || (kind < 152 && connections_.size() < 6)) {
    begin_watch(connect(node, random_.chance(0.1) ? herd_.clients()[0].substr(0, 1) : ""));
  } else if (kind < 165) {
    connections_[at].connection->read(1 + random_.below(random_.chance(0.5) ? 3 : 100));
  } else if (kind < 175) {
    begin_watch(*connections_[at].connection);
  } else if (kind < 179) {
    end_watch(*connections_[at].connection);
  } else if (kind < 182) {
    leave(at);
  } else if (kind < 183) {
    end_input(at);
  } else {
    drain(at);
  }
}

void History::restart(std::size_t node) {
  const bool stops = random_.chance(0.5);
  for (std::size_t i = connections_.size(); i-- > 0;) {
    if (connections_[i].node != node) continue;
    if (stops) connections_[i].connection->stop(herd_.now());
    leave(i);
  }
  watching_[node].registry.reset();
  herd_.restart(node);
  begin_watching(node);
  ++totals_->restarts;
}

void History::renew_feed(std::size_t node) {
  herd_.renew_feed(node);
  const ModelNode& at = *herd_.nodes()[node];
  watching_[node].registry->use_feed({at.feed_id(), at.oldest()});
  ++totals_->renewals;
}

void History::ask() {
  herd_.ask();
  ++totals_->questions;
}

// All updates reach all nodes. Then all readers must know the truth, also those that resume, and all nodes must give
// equal answers.
void History::finish() {
  herd_.deliver_all();
  for (std::size_t node = 0; node < watching_.size(); ++node) resume(node);
  for (std::size_t i = 0; i < connections_.size(); ++i) drain(i);
  herd_.tell("a minute later");
  herd_.advance(60s);
  for (std::size_t i = 0; i < connections_.size(); ++i) drain(i);
  for (int i = 0; i < 3; ++i) ask();
}

}  // namespace herd::model
