#include "node/watches/cell_grid.hpp"

#include <algorithm>
#include <utility>

#include "node/watches/mutants.hpp"
#include "protocol/assert.hpp"
#include "protocol/prefetch.hpp"

namespace herd::node::watches {

std::size_t CellGrid::size_of(const Bounds& bounds) {
  const std::uint32_t width =
      bounds.west <= bounds.east ? bounds.east - bounds.west : bounds.east + (area::kTurn - bounds.west);
  const std::uint32_t extent = std::max(width, bounds.north - bounds.south);
  std::size_t size = 0;
  while (size < kSizes && extent > std::uint32_t{1} << kShifts[size]) ++size;
  return size;
}

// The last column of cells is narrower than the others, so an area that crosses the antimeridian may touch three.
template <typename Function>
void CellGrid::for_each_cell(std::size_t size, const Bounds& bounds, const Function& function) {
  const unsigned shift = kShifts[size];
  const std::uint32_t columns = ((area::kTurn - 1) >> shift) + 1;
  const area::Spot low{bounds.west, bounds.south};
  const area::Spot high{bounds.east, bounds.north};
  const auto cell_of = [shift](area::Spot spot) { return area::Spot{spot.x >> shift, spot.y >> shift}; };
  const area::Spot first = cell_of(low);
  const area::Spot last = cell_of(high);
  for (std::uint32_t x = first.x;; x = x + 1 == columns ? 0 : x + 1) {
    for (std::uint32_t y = first.y; y <= last.y; ++y) {
      Part part{{0, 0}, {UINT8_MAX, UINT8_MAX}};
      if (x == first.x) part.low.x = step_of(size, low).x;
      if (y == first.y) part.low.y = step_of(size, low).y;
      if (x == last.x) part.high.x = step_of(size, high).x;
      if (y == last.y) part.high.y = step_of(size, high).y;
      function(key_of(size, x, y), part);
    }
    if (x == last.x) break;
  }
}

void CellGrid::add(WatchId watch, const std::optional<Bounds>& bounds) {
  const std::size_t size = bounds ? size_of(*bounds) : kSizes;
  if (size == kSizes) {
    large_.push_back(watch);
    return;
  }
  bool is_first = true;
  for_each_cell(size, *bounds, [&](Key key, Part part) {
    if (is_first || !mutated(Mutant::CellForgotten)) add_to(key, part, watch);
    is_first = false;
  });
}

void CellGrid::remove(WatchId watch, const std::optional<Bounds>& bounds) {
  const std::size_t size = bounds ? size_of(*bounds) : kSizes;
  if (size == kSizes) {
    const auto at = std::find(large_.begin(), large_.end(), watch);
    HERD_ASSERT(at != large_.end());
    *at = large_.back();
    large_.pop_back();
    return;
  }
  std::uint32_t at = std::exchange(first_of_watch_[watch], kNone);
  HERD_ASSERT(at != kNone);
  while (at != kNone) {
    remove_at(places_[at]);
    const std::uint32_t next = places_[at].sibling;
    places_[at].sibling = std::exchange(free_, at);
    at = next;
  }
}

void CellGrid::prefetch_cells(area::Spot spot) const {
  for (std::size_t size = 0; size < kSizes; ++size) {
    if (cells_in_use_[size] > 0) protocol::prefetch(&cells_[home_of(key_of(size, spot))]);
  }
}

void CellGrid::prefetch_areas(area::Spot spot) const {
  constexpr std::size_t kLine = 64;
  constexpr std::size_t kLines = 4;  // the processor notices the rest of a long array by itself
  for (std::size_t size = 0; size < kSizes; ++size) {
    if (cells_in_use_[size] == 0) continue;
    const auto bytes = std::as_bytes(entries_at(key_of(size, spot)));
    for (std::size_t at = 0; at < std::min(bytes.size(), kLines * kLine); at += kLine) protocol::prefetch(&bytes[at]);
  }
}

std::size_t CellGrid::position_of(Key key) const {
  const std::size_t mask = cells_.size() - 1;
  std::size_t position = home_of(key);
  while (cells_[position].key != key && cells_[position].key != kNone) position = (position + 1) & mask;
  return position;
}

void CellGrid::add_to(Key key, Part part, WatchId watch) {
  if (first_of_watch_.size() <= watch) first_of_watch_.resize(std::size_t{watch} + 1, kNone);
  std::size_t position = position_of(key);
  if (cells_[position].key == kNone) {
    if ((used_ + 1) * 2 > cells_.size()) resize(bits_ + 1);
    position = position_of(key);
    cells_[position].key = key;
    ++used_;
    ++cells_in_use_[key >> (2 * kAxisBits)];
  }
  Cell& cell = cells_[position];
  const std::uint32_t at = cell.count;
  if (cell.entries == nullptr) {
    set_capacity(cell, 0);
  } else if (at == std::uint32_t{1} << cell.capacity_bits) {
    set_capacity(cell, cell.capacity_bits + 1U);
  }
  const std::uint32_t place = new_place({key, at, first_of_watch_[watch]});
  cell.entries[at] = {part, watch, place};
  ++cell.count;
  first_of_watch_[watch] = place;
}

std::uint32_t CellGrid::new_place(const Place& place) {
  if (free_ == kNone) {
    places_.push_back(place);
    return static_cast<std::uint32_t>(places_.size() - 1);
  }
  const std::uint32_t at = std::exchange(free_, places_[free_].sibling);
  places_[at] = place;
  return at;
}

// The last entry of the cell takes the position.
void CellGrid::remove_at(const Place& place) {
  const std::size_t position = position_of(place.cell);
  Cell& cell = cells_[position];
  HERD_ASSERT(cell.key == place.cell && place.position < cell.count);
  const Entry& last = cell.entries[--cell.count];
  places_[last.place].position = place.position;
  cell.entries[place.position] = last;
  if (cell.count == 0) {
    erase_cell(position);
  } else if (cell.capacity_bits >= 2 && cell.count <= std::uint32_t{1} << (cell.capacity_bits - 2U)) {
    set_capacity(cell, cell.capacity_bits - 1U);
  }
}

void CellGrid::set_capacity(Cell& cell, unsigned bits) {
  HERD_ASSERT(bits < 27);
  auto entries = std::make_unique_for_overwrite<Entry[]>(std::size_t{1} << bits);
  std::copy_n(cell.entries.get(), cell.count, entries.get());
  cell.entries = std::move(entries);
  cell.capacity_bits = bits & 31U;
}

void CellGrid::erase_cell(std::size_t position) {
  --used_;
  --cells_in_use_[cells_[position].key >> (2 * kAxisBits)];
  const std::size_t mask = cells_.size() - 1;
  for (std::size_t next = (position + 1) & mask; cells_[next].key != kNone; next = (next + 1) & mask) {
    if (((next - home_of(cells_[next].key)) & mask) >= ((next - position) & mask)) {
      cells_[position] = std::move(cells_[next]);
      position = next;
    }
  }
  cells_[position] = {};
  if (bits_ > kLeastBits && used_ * 8 < cells_.size()) resize(bits_ - 1);
}

void CellGrid::resize(unsigned bits) {
  std::vector<Cell> old = std::exchange(cells_, std::vector<Cell>(std::size_t{1} << bits));
  bits_ = bits;
  for (Cell& cell : old) {
    if (cell.key != kNone) cells_[position_of(cell.key)] = std::move(cell);
  }
}

void CellGrid::check_invariants() const {
  std::array<std::size_t, kSizes> cells{};
  std::size_t listed = 0;
  for (std::size_t position = 0; position < cells_.size(); ++position) {
    const Cell& cell = cells_[position];
    if (cell.key == kNone) continue;
    HERD_ASSERT(position_of(cell.key) == position && cell.count > 0);
    HERD_ASSERT(cell.count <= std::uint32_t{1} << cell.capacity_bits);
    ++cells[cell.key >> (2 * kAxisBits)];
    for (std::uint32_t at = 0; at < cell.count; ++at) {
      const Entry& entry = cell.entries[at];
      HERD_ASSERT(entry.part.low.x <= entry.part.high.x && entry.part.low.y <= entry.part.high.y);
      HERD_ASSERT(places_[entry.place].cell == cell.key && places_[entry.place].position == at);
      ++listed;
    }
  }
  for (std::uint32_t at = free_; at != kNone; at = places_[at].sibling) ++listed;
  HERD_ASSERT(cells == cells_in_use_ && cells[0] + cells[1] + cells[2] == used_ && listed == places_.size());
}

}  // namespace herd::node::watches
