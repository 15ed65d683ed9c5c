// What a service has answered lately, by where and how far was asked: clients that stand within some 100 m share an
// answer. Bounded by bytes; what was not used for the longest time makes room. An answer that is too old to be fresh is
// kept for a while as a stand-in, for when the service fails. Pure: time comes in, on the steady clock.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <optional>

#include "node/places/place_list.hpp"
#include "protocol/clock.hpp"

namespace herd::node::places {

// The square that a question falls into. Its side is 100 m, or a tenth of the radius where that is less, but at least a
// metre: so the circle that was asked about never lies further than a seventh of its radius from the one wanted.
struct Cell {
  std::int32_t row = 0;       // from the south
  std::int32_t column = 0;    // from the date line, which it does not know: 180 E is 180 W
  std::int32_t radius_m = 0;  // as the service is asked

  auto operator<=>(const Cell&) const = default;  // NOLINT(modernize-use-nullptr): clang-tidy 14 sees a 0 in it
};

// Whole metres, rounded up, from 1 (services want more than 0) to 50,000 (and no more than that).
[[nodiscard]] int radius_m_of(const Query& query);

[[nodiscard]] Cell cell_of(const Query& query);

class Cache {
 public:
  // A stale answer is kept for so many times its fresh life: with the default of a minute, for an hour.
  static constexpr int kStaleIncarnations = 60;

  struct Limits {
    std::size_t max_bytes = 0;
    protocol::Nanoseconds ttl{};  // 0: nothing is ever kept
  };
  explicit Cache(const Limits& limits) : limits_(limits) {}

  struct Found {
    const PlaceList* places = nullptr;  // until the next call that is not const
    protocol::Nanoseconds age{};
    bool fresh = false;
  };
  // Fresh or stale. Counts as a use.
  [[nodiscard]] std::optional<Found> find(const Cell& cell, protocol::Nanoseconds now);

  // In the place of what was known there. An answer larger than the whole bound is not kept.
  void put(const Cell& cell, PlaceList places, protocol::Nanoseconds now);

  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    Cell cell;
    PlaceList places;
    protocol::Nanoseconds asked{};
    std::size_t bytes = 0;
  };
  using Entries = std::list<Entry>;  // the last used first

  void drop(Entries::iterator entry);

  Limits limits_;
  Entries entries_;
  std::map<Cell, Entries::iterator> by_cell_;
  std::size_t bytes_ = 0;
};

}  // namespace herd::node::places
