// A grid that finds the watched areas in which a point may be. The globe is cut into square cells of three sizes. An
// area uses the smallest size of which the side is at least its width and its height, so it touches at most two cells
// in each direction, or three columns at the antimeridian, where the last column is narrower. The few areas that are
// larger than the largest cells, or contain a pole, are in a list.
//
// The areas of a cell are one array with 12 bytes for each area. An entry has the part of the area's bounds that is in
// the cell, rounded outwards to steps. A step is 1/256 of the cell's side: 23 m, 180 m or 1.5 km at the equator.
//
// A circle with a radius of 1 km takes about 60 to 150 bytes. Adding and removing take amortised constant time, but
// removing an area from the list searches the list. A search looks up one cell of each size in use, and compares the
// bounds of all areas in these cells. Pure; loop thread only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "node/area/chart.hpp"
#include "node/watches/watched_area.hpp"

namespace herd::node::watches {

using WatchId = std::uint32_t;  // of a watch of this node; given out again after its end

class CellGrid {
 public:
  // nullopt: the area may contain any point.
  void add(WatchId watch, const std::optional<Bounds>& bounds);
  // With the bounds of its add().
  void remove(WatchId watch, const std::optional<Bounds>& bounds);

  // Calls `found(WatchId)` for each area of which the bounds contain one of the spots or end less than a step from it,
  // and for each area of the list. An area is reported once, or twice if the spots are in different cells. `found` must
  // not change the grid.
  template <typename Function>
  void for_each_at(area::Spot one, area::Spot other, const Function& found) const {
    for (const WatchId watch : large_) found(watch);
    for (std::size_t size = 0; size < kSizes; ++size) {
      if (cells_in_use_[size] == 0) continue;
      const Key key = key_of(size, one);
      const Key other_key = key_of(size, other);
      const Step step = step_of(size, one);
      const Step other_step = step_of(size, other);
      for (const Entry& entry : entries_at(key)) {
        const bool has_other = other_key == key && entry.part.contains(other_step);
        if (has_other || entry.part.contains(step)) found(entry.watch);
      }
      if (other_key == key) continue;
      for (const Entry& entry : entries_at(other_key)) {
        if (entry.part.contains(other_step)) found(entry.watch);
      }
    }
  }
  template <typename Function>
  void for_each_at(area::Spot spot, const Function& found) const {
    for_each_at(spot, spot, found);
  }

  // Hints to the processor. For several spots: call prefetch_cells() for all of them, then prefetch_areas() for all of
  // them, then for_each_at().
  void prefetch_cells(area::Spot spot) const;
  void prefetch_areas(area::Spot spot) const;

  // Asserts that each cell in the table has areas that touch it, and the counts. O(areas).
  void check_invariants() const;

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;
  static constexpr std::size_t kSizes = 3;
  // The side of a cell in units of 1e-7 degrees is 2^shift: about 6 km, 47 km and 370 km.
  static constexpr std::array<unsigned, kSizes> kShifts{19, 22, 25};
  static constexpr unsigned kAxisBits = 14;  // more than the cells of the smallest size along the equator
  static constexpr unsigned kLeastBits = 6;

  using Key = std::uint32_t;
  // Where a spot is in its cell, in steps from the south-west.
  struct Step {
    std::uint8_t x = 0;
    std::uint8_t y = 0;
  };
  static constexpr unsigned kStepBits = 8;  // the side of a cell has 2^8 steps
  // The part of an area's bounds that is in one cell, from `low` to `high`, both included.
  struct Part {
    Step low;
    Step high;
    // With & and not &&: the loop over all entries of a cell has no branch for each comparison.
    [[nodiscard]] bool contains(Step step) const {
      return (step.x >= low.x) & (step.x <= high.x) & (step.y >= low.y) & (step.y <= high.y);
    }
  };
  struct Entry {
    Part part;
    WatchId watch = 0;
    std::uint32_t place = kNone;  // in places_
  };
  static_assert(sizeof(Entry) == 12);
  struct Cell {
    Key key = kNone;
    std::uint32_t count : 27 = 0;         // the greatest max_per_node, 10,000,000, fits
    std::uint32_t capacity_bits : 5 = 0;  // space for 2^capacity_bits entries, if there are any
    std::unique_ptr<Entry[]> entries;
  };
  // The position of an entry, so that remove() finds it without a search.
  struct Place {
    Key cell = kNone;
    std::uint32_t position = 0;     // in the array of its cell
    std::uint32_t sibling = kNone;  // the place of the next entry of its watch, or the next free place
  };

  [[nodiscard]] static Key key_of(std::size_t size, std::uint32_t x, std::uint32_t y) {
    return static_cast<Key>(size) << (2 * kAxisBits) | x << kAxisBits | y;
  }
  [[nodiscard]] static Key key_of(std::size_t size, area::Spot spot) {
    return key_of(size, spot.x >> kShifts[size], spot.y >> kShifts[size]);
  }
  [[nodiscard]] static Step step_of(std::size_t size, area::Spot spot) {
    const unsigned shift = kShifts[size] - kStepBits;
    return {static_cast<std::uint8_t>(spot.x >> shift), static_cast<std::uint8_t>(spot.y >> shift)};
  }
  // The smallest size with cells that are as large as the area; kSizes if there is none.
  [[nodiscard]] static std::size_t size_of(const Bounds& bounds);
  // Calls function(key, part) for each cell that the area touches.
  template <typename Function>
  static void for_each_cell(std::size_t size, const Bounds& bounds, const Function& function);

  [[nodiscard]] std::size_t home_of(Key key) const { return key * std::uint32_t{0x9E3779B1} >> (32U - bits_); }
  [[nodiscard]] std::size_t position_of(Key key) const;  // where it is, or where it would be
  [[nodiscard]] std::span<const Entry> entries_at(Key key) const {
    const Cell& cell = cells_[position_of(key)];
    return {cell.entries.get(), cell.count};
  }
  void add_to(Key key, Part part, WatchId watch);
  [[nodiscard]] std::uint32_t new_place(const Place& place);
  void remove_at(const Place& place);
  static void set_capacity(Cell& cell, unsigned bits);
  void erase_cell(std::size_t position);
  void resize(unsigned bits);

  std::vector<Cell> cells_ = std::vector<Cell>(std::size_t{1} << kLeastBits);  // by hash; at most half are in use
  unsigned bits_ = kLeastBits;
  std::size_t used_ = 0;
  std::array<std::size_t, kSizes> cells_in_use_{};
  std::vector<Place> places_;
  std::vector<std::uint32_t> first_of_watch_;  // the place of its latest entry, by WatchId
  std::uint32_t free_ = kNone;                 // the first free place
  std::vector<WatchId> large_;
};

}  // namespace herd::node::watches
