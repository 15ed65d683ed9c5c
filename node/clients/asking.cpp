#include "node/clients/asking.hpp"

#include <span>
#include <utility>

#include "node/base/limits.hpp"
#include "node/clients/iteration_time.hpp"

namespace herd::node {

Asking::Asking(const bus::Store& store, const LoopClock& clock)
    : store_(store),
      clock_(clock),
      oldest_(store.feed().tail()),
      index_(store),
      registry_(store, index_, limits_, watch_counters_) {}

std::optional<std::string> Asking::run(const Running& running) {
  use_index();
  // Queries that came before have the first right to the time that is left.
  if (!waiting_.empty() || slice().is_over()) return std::nullopt;
  follow(slice());
  if (!index_.is_current() || slice().is_over() || !running.query->run(slice())) return std::nullopt;
  counters_.count(running.command, QueryResult::Answered);
  return running.query->take_answer();
}

void Asking::wait(Running running, std::unique_ptr<Asker> asker) {
  waiting_.push_back({std::move(running), std::move(asker)});
}

std::unique_ptr<watches::Watcher> Asking::new_watcher(watches::Sight sight, std::uint64_t key) {
  return std::make_unique<watches::Watcher>(registry_, std::move(sight), key);
}

std::variant<watches::Watcher::Accepted, watches::Watcher::Refused> Asking::watch(watches::Watcher& watcher,
                                                                                  const protocol::Watch& command) {
  use_index();
  return watcher.watch(command, clock_.now());
}

std::vector<std::uint64_t> Asking::take_due() {
  std::vector<std::uint64_t> keys;
  for (const watches::Watcher* watcher : registry_.take_due(clock_.now().steady)) {
    (watcher->key() % 2 == 0 ? keys : due_streams_).push_back(watcher->key());
  }
  return keys;
}

bool Asking::work() {
  slice_.reset();
  if (!index_.is_active()) return false;
  drop_idle_index();
  if (!index_.is_active()) return false;
  TimeSlice following(index_time(elapsed()));
  follow(following);
  if (index_.is_current()) run_waiting();
  slice_.reset();
  return !index_.is_current() || !waiting_.empty();
}

void Asking::use_index() {
  used_ = clock_.now().steady;
  if (!index_.is_active()) index_.start();
}

void Asking::follow(area::Slice& slice) {
  if (registry_.size() == 0) {
    index_.follow(slice, {});
  } else {
    index_.follow(slice, [this](std::span<const area::Moved> moved) { registry_.apply(moved); });
  }
}

void Asking::drop_idle_index() {
  if (registry_.size() > 0) used_ = clock_.now().steady;
  if (waiting_.empty() && clock_.now().steady - used_ >= kAreaIndexIdle) index_.drop();
}

std::chrono::nanoseconds Asking::elapsed() const {
  return std::chrono::steady_clock::now().time_since_epoch() - clock_.now().steady;
}

area::Slice& Asking::slice() {
  if (!slice_) slice_.emplace(kQuerySlice);
  return *slice_;
}

// One query after the other until the slice is over; the one that it stops goes to the end of the queue.
void Asking::run_waiting() {
  while (!waiting_.empty() && !slice().is_over()) {
    Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    if (next.asker->is_gone()) {
      counters_.count(next.running.command, QueryResult::Abandoned);
    } else if (next.running.query->run(slice())) {
      counters_.count(next.running.command, QueryResult::Answered);
      next.asker->answer(next.running.query->take_answer());
    } else {
      waiting_.push_back(std::move(next));
    }
  }
}

}  // namespace herd::node
