// What all watches of a node share, and the form in which they write. Loop thread only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "node/area/area_index.hpp"
#include "node/area/chunk_pool.hpp"
#include "node/area/slice.hpp"
#include "node/watches/all_watches.hpp"
#include "node/watches/counters.hpp"
#include "node/watches/interests.hpp"
#include "node/watches/versions.hpp"
#include "protocol/clock.hpp"

namespace herd::node::watches {

// May change while watches exist; then it applies to new watches, and to new members.
struct WatchLimits {
  std::size_t max_per_node = 100'000;
  std::size_t max_members = 1'000'000;  // of one watch
};

// The present feed, and which of its numbers watches may resume from.
struct FeedIdentity {
  std::uint64_t id = 0;
  // The base of the present run. Numbers from here to the tail are resumed; a crash may have cut off an older run.
  bus::ChangeNumber oldest = 0;
};

// Which clients a connection may see, and what of them.
struct Sight {
  std::function<bool(std::string_view client)> sees;  // empty: all
  bool events_only = false;                           // only that clients enter and leave, and not where they are
  [[nodiscard]] bool allows(std::string_view client) const { return !sees || sees(client); }
};

// Records that changed and concern a watch, each once, in any order.
struct Pending {
  static constexpr std::size_t kMost = 63;  // so that a list has 256 bytes
  std::uint32_t count;
  std::array<bus::RecordIndex, kMost> records;
};

struct Shared {
  const bus::Store& store;
  const area::AreaIndex& index;
  const WatchLimits& limits;
  WatchCounters& counters;
  FeedIdentity feed;
  Interests interests;
  AllWatches all_watches;
  Versions versions;
  area::ChunkPool<Pending> pending;  // of the watches that have such a list; keeps the memory of the most at one time
};

// Where events are written, and how long that may go on.
struct Output {
  std::string& text;
  std::size_t limit = 0;  // writing stops at the first event that reaches it
  area::Slice& slice;
  protocol::Now now;
  [[nodiscard]] bool is_full() const { return text.size() >= limit; }
  [[nodiscard]] bool must_stop() const { return is_full() || slice.is_over(); }
};

}  // namespace herd::node::watches
