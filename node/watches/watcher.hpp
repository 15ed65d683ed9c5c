// The watches of one connection.
//
//   Watcher watcher(registry, sight, key);
//   watcher.watch(command, now);             // the answer: accepted, with its line, or refused, with the reason
//   while (watcher.write(output)) ...        // whenever the connection can take output and the index is current
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
  static constexpr std::size_t kMaxWatches = 64;  // a bit of a Places each

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
  // Counts a refusal by a limit.
  [[nodiscard]] std::variant<Accepted, Refused> watch(const protocol::Watch& command, protocol::Now now);

  // Ends a watch. Returns the reply, `! <tag> <number> END unwatched` and LF; nullopt if there is no such watch.
  [[nodiscard]] std::optional<std::string> unwatch(std::string_view tag);

  // Ends all watches: appends an END line for each.
  void end_all(EndReason reason, std::string& out);

  // The connection's input has ended: from now on write() only completes the openings, up to READY.
  void finish();

  // Appends lines that are due, whole ones, until the output has its limit or the slice is over. Returns whether more
  // is due. The watches take turns.
  bool write(Output& out);

  // When write() will be due although nothing changes, in steady time: for `dwell`, `every` and `beat`. The registry
  // knows it too. Valid after write() returned false.
  [[nodiscard]] std::optional<protocol::Nanoseconds> next_due() const;

  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(std::popcount(used_)); }
  [[nodiscard]] std::uint64_t key() const { return key_; }
  void check_invariants() const;

 private:
  friend class WatchRegistry;

  [[nodiscard]] std::string_view reason_to_refuse(const protocol::Watch& command) const;
  [[nodiscard]] bool is_resumable(const protocol::Watch& command) const;
  // A watch has a place from its begin to its end.
  struct Owned {
    std::unique_ptr<Watch> watch;  // nullptr: the place is free
    protocol::Nanoseconds due{};   // of a place in timed_, in steady time
  };
  using Places = std::uint64_t;  // a set of places: bit i is watches_[i]
  static constexpr Places bit_of(std::size_t place) { return Places{1} << place; }
  template <typename Function>
  static void for_each(Places places, const Function& function) {
    for (; places != 0; places &= places - 1) function(static_cast<std::size_t>(std::countr_zero(places)));
  }

  // Moves the watches that are due by now from timed_ to due_.
  void note_time(protocol::Nanoseconds now_steady);
  void write_one(std::size_t place, Output& out);
  void erase(std::size_t place);

  WatchRegistry& registry_;
  const Sight sight_;
  const std::uint64_t key_;
  std::vector<Owned> watches_;
  Places used_ = 0;       // those with a watch
  Places due_ = 0;        // of which Watch::write() has something to do; the registry sets bits
  Places timed_ = 0;      // of which it will, at a time. Few watches are in these two sets; the others are not read.
  std::size_t turn_ = 0;  // the place that writes first
  bool is_finishing_ = false;
  bool is_announced_ = false;                   // the registry's: it is in the list of take_due()
  std::optional<protocol::Nanoseconds> timer_;  // the registry's
};

}  // namespace herd::node::watches
