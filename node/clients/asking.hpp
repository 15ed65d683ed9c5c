// The queries and watches of all connections: NEAR, WITHIN, COUNT and WATCH. It owns the area index, which begins with
// the first question and is dropped when nothing has used it for kAreaIndexIdle, and the watches.
//
// A query runs in the loop iteration in which it came if the index is current and time is left; else it continues in
// later iterations. All queries of one iteration together take kQuerySlice. Once per iteration, after the links were
// served, work() applies the store's changes to the index and to the watches, and continues the queries that wait. The
// watches' events are written by the front end.
//
// Owned by the front end. Loop thread only.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "bus/store/store.hpp"
#include "node/area/area_index.hpp"
#include "node/area/query.hpp"
#include "node/area/slice.hpp"
#include "node/area/sliced_work.hpp"
#include "node/base/loop_clock.hpp"
#include "node/clients/query_counters.hpp"
#include "node/watches/registry.hpp"
#include "node/watches/watcher.hpp"
#include "protocol/clock.hpp"
#include "protocol/query.hpp"

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
  // Both must outlive it. Watches may resume from the feed's present tail, and from later numbers.
  Asking(const bus::Store& store, const LoopClock& clock);

  // The parts of a query. Call Query::begin() first.
  [[nodiscard]] area::Query::Parts parts() const { return {store_, index_}; }

  // A query that has begun.
  struct Running {
    QueryCommand command;
    std::unique_ptr<area::SlicedWork> query;
  };
  // Returns its answer if it is complete within this iteration's slice; else give it to wait().
  [[nodiscard]] std::optional<std::string> run(const Running& running);

  // Receives the answer of a query that waits. The query ends without an answer when is_gone() is true.
  class Asker {
   public:
    virtual ~Asker() = default;
    [[nodiscard]] virtual bool is_gone() const = 0;
    virtual void answer(std::string text) = 0;
  };
  // Queries that wait share the slice of an iteration: those that it stops continue after the others.
  void wait(Running running, std::unique_ptr<Asker> asker);

  // The watcher of a connection or of an event stream of HTTP. `key`: what take_due() gives to name it. Even for
  // connections, odd for streams.
  [[nodiscard]] std::unique_ptr<watches::Watcher> new_watcher(watches::Sight sight, std::uint64_t key);
  // Begins a watch of that watcher; as Watcher::watch().
  [[nodiscard]] std::variant<watches::Watcher::Accepted, watches::Watcher::Refused> watch(
      watches::Watcher& watcher, const protocol::Watch& command);
  // The keys of the connections' watchers that have become due since the last call, each once.
  [[nodiscard]] std::vector<std::uint64_t> take_due();
  // The same of streams, as of the last call of take_due().
  [[nodiscard]] std::vector<std::uint64_t> take_due_streams() { return std::exchange(due_streams_, {}); }
  // When a watcher becomes due although nothing changes, in steady time; nullopt: never.
  [[nodiscard]] std::optional<protocol::Nanoseconds> next_due() const { return registry_.next_due(); }
  // For new watches, and for new members of all.
  void set_limits(const watches::WatchLimits& limits) { limits_ = limits; }
  // The id of the present feed, which changes when the feed is renewed.
  void set_feed(std::uint64_t feed_id) { registry_.use_feed({feed_id, oldest_}); }
  // The lowest change number from which a reader of the feed may continue: a crash may have cut off an older run.
  [[nodiscard]] bus::ChangeNumber oldest() const { return oldest_; }

  // Ends the iteration, see above. Returns true if work is left: the next iteration must begin without waiting.
  [[nodiscard]] bool work();

  // The time since the first reading of the clock in this iteration. Negative if a test has stopped the clock.
  [[nodiscard]] std::chrono::nanoseconds elapsed() const;

  // Whether some changes of the store are not in the index yet. Then watches write no events.
  [[nodiscard]] bool index_lags() const { return index_.is_active() && !index_.is_current(); }

  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }
  [[nodiscard]] const area::AreaIndex& index() const { return index_; }
  [[nodiscard]] QueryCounters& counters() { return counters_; }
  [[nodiscard]] const QueryCounters& counters() const { return counters_; }
  [[nodiscard]] const watches::WatchCounters& watch_counters() const { return watch_counters_; }

 private:
  struct Waiting {
    Running running;
    std::unique_ptr<Asker> asker;
  };

  void use_index();
  void follow(area::Slice& slice);
  void drop_idle_index();
  [[nodiscard]] area::Slice& slice();
  void run_waiting();

  const bus::Store& store_;
  const LoopClock& clock_;
  const bus::ChangeNumber oldest_;
  area::AreaIndex index_;
  watches::WatchLimits limits_;
  watches::WatchCounters watch_counters_;
  watches::WatchRegistry registry_;
  QueryCounters counters_;
  std::deque<Waiting> waiting_;
  std::vector<std::uint64_t> due_streams_;
  std::optional<TimeSlice> slice_;  // of the queries of this iteration; nullopt: none has run
  protocol::Nanoseconds used_{};    // when the index was last used, in steady time
};

}  // namespace herd::node
