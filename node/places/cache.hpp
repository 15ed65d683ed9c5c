// An LRU cache of a service's answers, by position and radius. Queries within about 100 m share an answer. Its size is
// bounded in bytes; the least recently used answer is evicted first. An expired answer stays for a while, as a
// substitute if the service fails. Pure: the steady time is a parameter. Used by the worker's thread.
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

// The key of the cache: a square on the earth, and a radius. The side of the square is a tenth of the radius, but at
// least 1 m and at most 100 m. So the centre of a cached query differs from the wanted one by at most a seventh of the
// radius.
struct Cell {
  std::int32_t row = 0;       // from the south pole
  std::int32_t column = 0;    // eastwards from the date line; 180 E equals 180 W
  std::int32_t radius_m = 0;  // the radius in the request

  auto operator<=>(const Cell&) const = default;  // NOLINT(modernize-use-nullptr): clang-tidy 14 sees a 0 in it
};

// The radius in whole metres, rounded up, from 1 to 50,000: the range that services accept.
[[nodiscard]] int radius_m_of(const Query& query);

// The cell of a query.
[[nodiscard]] Cell cell_of(const Query& query);

class Cache {
 public:
  // An answer is removed this many times its time to live after the request: with the default of a minute, after an
  // hour.
  static constexpr int kStaleFactor = 60;

  struct Limits {
    std::size_t max_bytes = 0;
    protocol::Nanoseconds ttl{};  // how long an answer is fresh; 0: the cache stores nothing
  };
  explicit Cache(const Limits& limits) : limits_(limits) {}

  struct Found {
    const PlaceList* places = nullptr;  // valid until the next non-const call
    protocol::Nanoseconds age{};
    bool fresh = false;  // false: expired
  };
  // Returns the answer of a cell, fresh or expired; nullopt if there is none. Counts as a use.
  [[nodiscard]] std::optional<Found> find(const Cell& cell, protocol::Nanoseconds now);

  // Stores an answer and replaces the previous one of the cell. An answer above max_bytes is not stored.
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
  using Entries = std::list<Entry>;  // the most recently used first

  void drop(Entries::iterator entry);

  Limits limits_;
  Entries entries_;
  std::map<Cell, Entries::iterator> by_cell_;
  std::size_t bytes_ = 0;
};

}  // namespace herd::node::places
