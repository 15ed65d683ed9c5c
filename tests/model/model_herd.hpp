// The nodes of a random history and the reports of their clients. Each node gets all updates in an order of its own;
// some nodes restart, and lose their last changes. For tests only.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/model/model_node.hpp"
#include "tests/model/terrain.hpp"
#include "tests/sim/random.hpp"

namespace herd::model {

class ModelHerd {
 public:
  explicit ModelHerd(sim::Random& random);

  // Called after the record of a client at a node changed.
  std::function<void(std::size_t node, const std::string& client)> on_changed = [](std::size_t, const std::string&) {};

  [[nodiscard]] const std::vector<std::unique_ptr<ModelNode>>& nodes() const { return nodes_; }
  [[nodiscard]] const std::vector<std::string>& clients() const { return clients_; }
  [[nodiscard]] Terrain& terrain() { return terrain_; }
  [[nodiscard]] protocol::Now now() const;
  void advance(Nanoseconds time) { wall_ += time; }

  // A client reports to a node, or is reset there. Returns the client if its record changed, else an empty text.
  std::string report(std::size_t node);
  // An update from another node arrives.
  std::string deliver(std::size_t node);
  // The node must have no watches. It may lose its last changes, or its journal.
  void restart(std::size_t node);
  void renew_feed(std::size_t node);
  // All updates reach all nodes. Throws Fault if their stores differ then.
  void deliver_all();

  // A random question to a random node, while nothing moves or while clients move. Throws Fault at a wrong answer.
  void ask();

  // The epoch of the report with this AT line. Throws Fault if there is none.
  [[nodiscard]] std::uint32_t epoch_of(std::string_view at) const;
  [[nodiscard]] std::uint64_t changes() const { return changes_; }

  // The story for people: the scenario and the last steps.
  void tell(std::string line);
  [[nodiscard]] std::string story() const;

 private:
  std::string merge(std::size_t node, const Report& report);
  [[nodiscard]] Report next_report(const ModelNode& node, const std::string& client);

  sim::Random& random_;
  Terrain terrain_;
  Nanoseconds wall_;
  std::vector<std::string> clients_;
  std::vector<std::unique_ptr<ModelNode>> nodes_;
  std::vector<std::vector<Report>> to_come_;                  // by node
  std::map<std::string, std::uint32_t, std::less<>> epochs_;  // by AT line
  std::uint64_t changes_ = 0;
  std::deque<std::string> story_;
};

}  // namespace herd::model
