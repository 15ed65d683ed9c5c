#include "node/watches/registry.hpp"

#include <algorithm>

#include "node/watches/all_watch.hpp"
#include "node/watches/mutants.hpp"
#include "protocol/assert.hpp"
#include "protocol/prefetch.hpp"

namespace herd::node::watches {

WatchRegistry::WatchRegistry(const bus::Store& store, const area::AreaIndex& index, const WatchLimits& limits,
                             WatchCounters& counters)
    : shared_{store, index, limits, counters, {}, Interests(store), {}, Versions(store), {}} {}

// In steps for many changes together, so that the cache misses of one step overlap.
void WatchRegistry::apply(std::span<const area::Moved> moved) {
  shared_.interests.prefetch(moved);
  for (std::size_t first = 0; first < moved.size();) {
    found_.clear();
    ends_.clear();
    std::size_t end = first;
    do {
      shared_.interests.find(moved[end++], found_);
      ends_.push_back(found_.size());
    } while (end < moved.size() && found_.size() < kFoundAtOnce);
    note_found(moved.subspan(first, end - first));
    first = end;
  }
}

void WatchRegistry::prefetch_found(std::size_t from) const {
  const auto found = std::span(found_).subspan(from, std::min(kFoundAtOnce, found_.size() - from));
  for (const WatchId id : found) protocol::prefetch(&slots_[id]);
  for (const WatchId id : found) slots_[id].watch->prefetch();
}

void WatchRegistry::note_found(std::span<const area::Moved> moved) {
  std::size_t at = 0;
  for (std::size_t each = 0; each < moved.size(); ++each) {
    const Change change = shared_.versions.is_acquired() ? shared_.versions.note(moved[each]) : Change{};
    for (; at < ends_[each]; ++at) {
      if (at % kFoundAtOnce == 0) prefetch_found(at);
      const Slot& slot = slots_[found_[at]];
      if (slot.watch->note(moved[each], change)) make_due(slot);
    }
    note_all(moved[each], change);
  }
}

void WatchRegistry::note_all(const area::Moved& moved, const Change& change) {
  constexpr std::size_t kAhead = 8;
  const std::span<AllWatch* const> watches = shared_.all_watches.concerned_by(change.kind);
  for (std::size_t at = 0; at < watches.size(); ++at) {
    if (at + kAhead < watches.size()) watches[at + kAhead]->prefetch();
    if (watches[at]->note(moved, change)) make_due(slots_[watches[at]->id()]);
  }
}

void WatchRegistry::make_due(const Slot& slot) {
  if (!mutated(Mutant::DueForgotten)) slot.owner->due_ |= slot.bit;
  announce(*slot.owner);
}

std::vector<Watcher*> WatchRegistry::take_due(protocol::Nanoseconds now_steady) {
  while (!timers_.empty() && timers_.begin()->first <= now_steady) {
    Watcher& watcher = *timers_.begin()->second;
    set_timer(watcher, std::nullopt);
    announce(watcher);
  }
  for (Watcher* const watcher : due_) watcher->is_announced_ = false;
  return std::exchange(due_, {});
}

std::optional<protocol::Nanoseconds> WatchRegistry::next_due() const {
  if (timers_.empty()) return std::nullopt;
  return timers_.begin()->first;
}

WatchId WatchRegistry::take_id() {
  if (free_ids_.empty()) {
    free_ids_.push_back(static_cast<WatchId>(slots_.size()));
    slots_.emplace_back();
  }
  const WatchId id = free_ids_.back();
  free_ids_.pop_back();
  return id;
}

void WatchRegistry::free_id(WatchId id) {
  slots_[id] = {};
  free_ids_.push_back(id);
}

void WatchRegistry::announce(Watcher& watcher) {
  if (watcher.is_announced_) return;
  watcher.is_announced_ = true;
  due_.push_back(&watcher);
}

void WatchRegistry::set_timer(Watcher& watcher, std::optional<protocol::Nanoseconds> due) {
  if (watcher.timer_ == due || mutated(Mutant::TimerForgotten)) return;
  if (watcher.timer_) timers_.erase({*watcher.timer_, &watcher});
  watcher.timer_ = due;
  if (due) timers_.emplace(*due, &watcher);
}

void WatchRegistry::forget(Watcher& watcher) {
  set_timer(watcher, std::nullopt);
  if (watcher.is_announced_) due_.erase(std::find(due_.begin(), due_.end(), &watcher));
}

void WatchRegistry::check_invariants() const {
  shared_.interests.check_invariants();
  std::size_t watches = 0;
  for (const Slot& slot : slots_) {
    HERD_ASSERT((slot.watch == nullptr) == (slot.owner == nullptr));
    if (slot.watch == nullptr) continue;
    slot.watch->check_invariants();
    ++watches;
  }
  HERD_ASSERT(watches == size() && watches + free_ids_.size() == slots_.size());
}

}  // namespace herd::node::watches
