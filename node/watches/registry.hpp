// All watches of a node: finds those that a change concerns, and lists the watchers that are due.
//
// In each loop iteration, while there are watches:
//   index.follow(slice, [&](std::span<const area::Moved> moved) { registry.apply(moved); });
//   for (Watcher* watcher : registry.take_due(now)) ...   // let it write; remember it if its output is full
//
// No events are stored anywhere: a watch has its members, a bounded list of records that changed, and a cursor in the
// feed (node/watches/watch.hpp). Pure; loop thread only.
#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "node/watches/shared.hpp"
#include "node/watches/watcher.hpp"

namespace herd::node::watches {

class WatchRegistry {
 public:
  // All must outlive the registry. `index` must be active while there are watches, and each change that it applies must
  // go through apply(). `limits` may change at any time.
  WatchRegistry(const bus::Store& store, const area::AreaIndex& index, const WatchLimits& limits,
                WatchCounters& counters);

  // The present feed: at the start of the node, and when the feed is renewed.
  void use_feed(FeedIdentity feed) { shared_.feed = feed; }

  // Changes that the index has applied, in the order of the feed, at most one for each client. The watches that they
  // concern become due. Takes time for each watch of each change, without a look at a slice.
  void apply(std::span<const area::Moved> moved);

  // The watchers that have become due since the last call: by a change, by the time `now`, or because a watch began.
  // Each once; valid until one of them is destroyed. A watcher of which write() returned true is not repeated: its
  // owner calls write() again.
  [[nodiscard]] std::vector<Watcher*> take_due(protocol::Nanoseconds now_steady);

  // When a watcher becomes due although nothing changes, in steady time; nullopt: never.
  [[nodiscard]] std::optional<protocol::Nanoseconds> next_due() const;

  [[nodiscard]] std::size_t size() const { return shared_.counters.watches; }

  // Asserts the states of all watches and tables. O(watches and members).
  void check_invariants() const;

 private:
  friend class Watcher;

  struct Slot {
    Watch* watch = nullptr;  // nullptr: the id is free
    Watcher* owner = nullptr;
    Watcher::IndexSet bit = 0;  // the watch's bit in the owner's sets
  };

  // This number of watches stays in the processor's cache between prefetch_found() and their use.
  static constexpr std::size_t kFoundAtOnce = 512;

  // A hint to the processor: the watches in found_ from here on, at most kFoundAtOnce, are used soon.
  void prefetch_found(std::size_t from) const;
  // Tells the watches in found_, and those that hold no members, of these changes.
  void note_found(std::span<const area::Moved> moved);
  // The same for the watches that hold no members.
  void note_all(const area::Moved& moved, const Change& change);
  void make_due(const Slot& slot);
  [[nodiscard]] WatchId take_id();
  void free_id(WatchId id);
  void announce(Watcher& watcher);
  void set_timer(Watcher& watcher, std::optional<protocol::Nanoseconds> due);
  void forget(Watcher& watcher);

  Shared shared_;
  std::vector<Slot> slots_;  // by id
  std::vector<WatchId> free_ids_;
  std::vector<WatchId> found_;     // by apply(), grouped by change; a member so that its memory is reused
  std::vector<std::size_t> ends_;  // of each change's group in found_
  std::vector<Watcher*> due_;
  std::set<std::pair<protocol::Nanoseconds, Watcher*>> timers_;
};

}  // namespace herd::node::watches
