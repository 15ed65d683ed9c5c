// The queries and watches of all connections: NEAR, WITHIN, COUNT and WATCH. It owns the area index, which begins with
// the first question and is dropped when nothing has used it for kAreaIndexIdle, and the watches.
//
// A query runs in the loop iteration in which it came if the index is current and time is left; else it continues in
// later iterations. All queries of one iteration together take kQuerySlice. Once per iteration, after the links were
// served, work() applies the store's changes to the index and to the watches, and continues the queries that wait.
//
// Owned by the front end. Loop thread only.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "bus/store/store.hpp"
#include "node/area/area_index.hpp"
#include "node/area/query.hpp"
#include "node/area/slice.hpp"
#include "node/base/loop_clock.hpp"
#include "node/clients/query_counters.hpp"
#include "protocol/clock.hpp"

namespace herd::node {

// A slice that ends at a time of the steady clock.
class TimeSlice : public area::Slice {
 public:
  explicit TimeSlice(std::chrono::steady_clock::duration length) : end_(std::chrono::steady_clock::now() + length) {}
  [[nodiscard]] bool is_over() override {
    is_over_ = is_over_ || std::chrono::steady_clock::now() >= end_;
    return is_over_;
  }

 private:
  std::chrono::steady_clock::time_point end_;
  bool is_over_ = false;
};

class Asking {
 public:
  // Both must outlive it.
  Asking(const bus::Store& store, const LoopClock& clock) : store_(store), clock_(clock), index_(store) {}

  // The parts of a query. Call Query::begin() first.
  [[nodiscard]] area::Query::Parts parts() const { return {store_, index_}; }

  // A query that has begun.
  struct Running {
    QueryCommand command;
    std::unique_ptr<area::Query> query;
  };
  // Returns its answer if it is complete within this iteration's slice; else give it to wait().
  [[nodiscard]] std::optional<std::string> run(const Running& running);

  // Who gets the answer of a query that waits. The query ends without an answer when is_gone() is true.
  class Asker {
   public:
    virtual ~Asker() = default;
    [[nodiscard]] virtual bool is_gone() const = 0;
    virtual void answer(std::string_view text) = 0;
  };
  // Queries that wait take turns: each gets one slice.
  void wait(Running running, std::unique_ptr<Asker> asker);

  // Ends the iteration, see above. Returns true if work is left: the next iteration must begin without waiting.
  [[nodiscard]] bool work();

  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }
  [[nodiscard]] const area::AreaIndex& index() const { return index_; }
  [[nodiscard]] QueryCounters& counters() { return counters_; }

 private:
  struct Waiting {
    Running running;
    std::unique_ptr<Asker> asker;
  };

  void use_index();
  void drop_idle_index();
  [[nodiscard]] area::Slice& slice();
  void run_waiting();

  const bus::Store& store_;
  const LoopClock& clock_;
  area::AreaIndex index_;
  QueryCounters counters_;
  std::deque<Waiting> waiting_;
  std::optional<TimeSlice> slice_;  // of the queries of this iteration; nullopt: none has run
  protocol::Nanoseconds used_{};    // when the index was last used, in steady time
};

}  // namespace herd::node
