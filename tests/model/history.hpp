// A random history of a few nodes, their clients, the questions to them, and the readers of their watches: one seed
// decides everything. Each step may report, deliver updates in another order, let nodes work, let readers read, stop
// and resume, restart a node, or ask. The model judges all answers and all events. For tests only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "node/watches/registry.hpp"
#include "tests/model/connection.hpp"
#include "tests/model/model_herd.hpp"
#include "tests/sim/random.hpp"

namespace herd::model {

class History {
 public:
  explicit History(std::uint64_t seed);

  struct Totals {
    std::uint64_t changes = 0;    // of stores
    std::uint64_t questions = 0;  // with all their pages
    std::uint64_t restarts = 0;
    std::uint64_t renewals = 0;  // of feeds
    std::uint64_t watches = 0;   // accepted
    std::uint64_t resumed = 0;   // of these
    std::uint64_t judged = 0;    // comparisons of all watches of a connection with the truth
    std::uint64_t lines = 0;     // read
  };
  // Runs to the end, adds to `totals`, and returns an empty text, or the first fault.
  [[nodiscard]] std::string run(Totals& totals);

  // The scenario, the last steps, and the last lines of each reader, for people.
  [[nodiscard]] std::string story() const;

 private:
  // The watches of a node.
  struct Watching {
    node::watches::WatchLimits limits;
    node::watches::WatchCounters counters;
    std::uint64_t refused = 0;  // by a limit
    std::unique_ptr<node::watches::WatchRegistry> registry;
  };
  // A watch that a reader left, with what it knew and might see.
  struct Kept {
    WatchView view;
    std::string sees;
  };

  void step();
  void finish();
  void ask();
  void restart(std::size_t node);
  void renew_feed(std::size_t node);

  // Makes the registry of a node that starts.
  void begin_watching(std::size_t node);
  Connection& connect(std::size_t node, const std::string& sees);
  void begin_watch(Connection& connection);
  void start(Connection& connection, const std::string& command, std::optional<WatchView> earlier);
  void end_watch(Connection& connection);
  // New connections resume the watches that readers left.
  void resume(std::size_t node);
  [[nodiscard]] std::string from_option(const WatchView& view);
  // The reader stops, wherever it is.
  void leave(std::size_t connection);
  // The reader ends its input, reads everything, and stops.
  void end_input(std::size_t connection);
  [[nodiscard]] bool is_full(std::size_t node) const;
  [[nodiscard]] std::string watch_command(const std::string& tag);
  void let_node_work(std::size_t node, std::uint64_t steps);
  // Lets the node write and the reader read until nothing is left, then judges.
  void drain(std::size_t connection);
  void write_all(std::size_t connection);

  sim::Random random_;
  ModelHerd herd_;
  Totals* totals_ = nullptr;
  std::vector<Watching> watching_;  // by node
  struct Attached {
    std::size_t node;
    std::unique_ptr<Connection> connection;
  };
  std::vector<Attached> connections_;
  std::vector<Kept> kept_;
  std::uint64_t next_key_ = 1;
  std::size_t limit_ = 0;  // of the output of connections
};

}  // namespace herd::model
