// The watches of one connection.
//
//   Watcher watcher(registry, sight, key);
//   watcher.watch(command, now);             // the answer: accepted, with its line, or refused, with the reason
//   if (watcher.write(output)) ...           // more is due: call it again, in a later loop iteration
//
// write() needs the area index to be current: all changes of the store are in it and went through
// WatchRegistry::apply(). While it is not, write() appends nothing and returns true. The registry says which watchers
// have something to write: WatchRegistry::take_due().
//
// Destroying a watcher ends its watches without END. Pure; owned by a session, used on the loop's thread only.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "node/watches/event_text.hpp"
#include "node/watches/shared.hpp"
#include "node/watches/watch.hpp"
#include "protocol/query.hpp"

namespace herd::node::watches {

class WatchRegistry;

class Watcher {
 public:
  static constexpr std::size_t kMaxWatches = 64;  // each has one bit of an IndexSet

  // `key`: the owner's name for it, free to choose. The registry must outlive the watcher.
  Watcher(WatchRegistry& registry, Sight sight, std::uint64_t key);
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;
  ~Watcher();

  struct Accepted {
    std::string line;  // the reply: `WATCHING <tag> <feed> new` or `resumed`, and LF
  };
  struct Refused {
    std::string_view reason;  // for WHY; a literal
  };
  // Begins a watch. The command was checked by the parser; its texts are copied. The area index must be active.
  // A refusal because of a limit is counted.
  [[nodiscard]] std::variant<Accepted, Refused> watch(const protocol::Watch& command, protocol::Now now);

  // Ends a watch. Returns the reply, `! <tag> <number> END unwatched` and LF; nullopt if there is no such watch.
  [[nodiscard]] std::optional<std::string> unwatch(std::string_view tag);

  // Ends all watches: appends an END line for each.
  void end_all(EndReason reason, std::string& out);

  // The connection's input has ended: from now on write() only completes the openings, up to READY.
  void finish();

  // Appends complete lines that are due, until the output reaches its limit or its slice is over. Returns whether more
  // is due. The next call begins with the due watch that follows the first one of this call.
  bool write(Output& out);

  // The steady time at which write() is due without a change: for `dwell`, `every` and `beat`; nullopt: never. write()
  // passes it to the registry. Valid after write() returned false.
  [[nodiscard]] std::optional<protocol::Nanoseconds> next_due() const;

  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(std::popcount(used_)); }
  [[nodiscard]] std::uint64_t key() const { return key_; }
  void check_invariants() const;

 private:
  friend class WatchRegistry;

  [[nodiscard]] std::string_view reason_to_refuse(const protocol::Watch& command) const;
  [[nodiscard]] bool is_resumable(const protocol::Watch& command) const;
  // A watch keeps its index until it ends. A new watch takes the lowest free index.
  struct Owned {
    std::unique_ptr<Watch> watch;  // nullptr: the index is free
    protocol::Nanoseconds due{};   // steady time; valid while the index is in timed_
  };
  // Bit i is for watches_[i].
  using IndexSet = std::uint64_t;
  static_assert(std::numeric_limits<IndexSet>::digits == kMaxWatches);
  static constexpr IndexSet bit_of(std::size_t index) { return IndexSet{1} << index; }
  template <typename Function>
  static void for_each(IndexSet indices, const Function& function) {
    for (; indices != 0; indices &= indices - 1) function(static_cast<std::size_t>(std::countr_zero(indices)));
  }

  // Moves the watches that are due by now from timed_ to due_.
  void note_time(protocol::Nanoseconds now_steady);
  // Lets the watch write. Then puts it into due_ or timed_, or erases it if it has ended.
  void write_one(std::size_t index, Output& out);
  void erase(std::size_t index);

  WatchRegistry& registry_;
  const Sight sight_;
  const std::uint64_t key_;
  std::vector<Owned> watches_;
  // write() reads only the watches in due_ and timed_, because most watches are idle.
  IndexSet used_ = 0;          // those that have a watch
  IndexSet due_ = 0;           // those with something to write now; WatchRegistry::apply() adds to it
  IndexSet timed_ = 0;         // those with something to write at Owned::due
  std::size_t next_turn_ = 0;  // the index at which the search for the first one to write begins
  bool is_finishing_ = false;
  bool is_announced_ = false;                   // set by the registry: it is in the list of take_due()
  std::optional<protocol::Nanoseconds> timer_;  // set by the registry: its time among the timers
};

}  // namespace herd::node::watches
