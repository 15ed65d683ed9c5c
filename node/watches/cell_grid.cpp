#include "node/watches/cell_grid.hpp"

#include <algorithm>
#include <utility>

#include "node/watches/mutants.hpp"
#include "protocol/assert.hpp"

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
  const std::uint32_t last = bounds.east >> shift;
  for (std::uint32_t x = bounds.west >> shift;; x = x + 1 == columns ? 0 : x + 1) {
    for (std::uint32_t y = bounds.south >> shift; y <= bounds.north >> shift; ++y) function(key_of(size, x, y));
    if (x == last) break;
  }
}

void CellGrid::add(WatchId watch, const std::optional<Bounds>& bounds) {
  const std::size_t size = bounds ? size_of(*bounds) : kSizes;
  if (size == kSizes) {
    large_.push_back(watch);
    return;
  }
  bool is_first = true;
  for_each_cell(size, *bounds, [&](Key key) {
    if (is_first || !mutated(Mutant::CellForgotten)) add_to(key, *bounds, watch);
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
  while (at != kNone) remove_entry(std::exchange(at, entries_[at].sibling));
}

std::size_t CellGrid::position_of(Key key) const {
  const std::size_t mask = cells_.size() - 1;
  std::size_t position = home_of(key);
  while (cells_[position].key != key && cells_[position].key != kNone) position = (position + 1) & mask;
  return position;
}

void CellGrid::add_to(Key key, const Bounds& bounds, WatchId watch) {
  if (first_of_watch_.size() <= watch) first_of_watch_.resize(std::size_t{watch} + 1, kNone);
  std::size_t position = position_of(key);
  if (cells_[position].key == kNone) {
    if ((used_ + 1) * 2 > cells_.size()) resize(bits_ + 1);
    position = position_of(key);
    cells_[position].key = key;
    ++used_;
    ++cells_in_use_[key >> (2 * kAxisBits)];
  }
  const std::uint32_t next = cells_[position].first;
  const std::uint32_t at = new_entry({bounds, watch, key, next, kNone, first_of_watch_[watch]});
  if (next != kNone) entries_[next].previous = at;
  cells_[position].first = first_of_watch_[watch] = at;
}

std::uint32_t CellGrid::new_entry(const Entry& entry) {
  if (free_ == kNone) {
    entries_.push_back(entry);
    return static_cast<std::uint32_t>(entries_.size() - 1);
  }
  const std::uint32_t at = std::exchange(free_, entries_[free_].next);
  entries_[at] = entry;
  return at;
}

void CellGrid::remove_entry(std::uint32_t at) {
  const Entry& entry = entries_[at];
  if (entry.next != kNone) entries_[entry.next].previous = entry.previous;
  if (entry.previous != kNone) {
    entries_[entry.previous].next = entry.next;
  } else {
    const std::size_t position = position_of(entry.cell);
    HERD_ASSERT(cells_[position].key == entry.cell && cells_[position].first == at);
    cells_[position].first = entry.next;
    if (entry.next == kNone) erase_cell(position);
  }
  entries_[at].next = std::exchange(free_, at);
}

void CellGrid::erase_cell(std::size_t position) {
  --used_;
  --cells_in_use_[cells_[position].key >> (2 * kAxisBits)];
  const std::size_t mask = cells_.size() - 1;
  for (std::size_t next = (position + 1) & mask; cells_[next].key != kNone; next = (next + 1) & mask) {
    if (((next - home_of(cells_[next].key)) & mask) >= ((next - position) & mask)) {
      cells_[position] = cells_[next];
      position = next;
    }
  }
  cells_[position] = {};
  if (bits_ > kLeastBits && used_ * 8 < cells_.size()) resize(bits_ - 1);
}

void CellGrid::resize(unsigned bits) {
  const std::vector<Cell> old = std::exchange(cells_, std::vector<Cell>(std::size_t{1} << bits));
  bits_ = bits;
  for (const Cell& cell : old) {
    if (cell.key != kNone) cells_[position_of(cell.key)] = cell;
  }
}

void CellGrid::check_invariants() const {
  std::array<std::size_t, kSizes> cells{};
  std::size_t listed = 0;
  for (std::size_t position = 0; position < cells_.size(); ++position) {
    const Cell& cell = cells_[position];
    if (cell.key == kNone) continue;
    HERD_ASSERT(position_of(cell.key) == position && cell.first != kNone);
    const std::size_t size = cell.key >> (2 * kAxisBits);
    ++cells[size];
    std::uint32_t before = kNone;
    for (std::uint32_t at = cell.first; at != kNone; at = entries_[at].next) {
      bool touches = false;
      for_each_cell(size, entries_[at].bounds, [&](Key key) { touches = touches || key == cell.key; });
      HERD_ASSERT(size_of(entries_[at].bounds) == size && touches && entries_[at].cell == cell.key);
      HERD_ASSERT(entries_[at].previous == before);
      before = at;
      ++listed;
    }
  }
  for (std::uint32_t at = free_; at != kNone; at = entries_[at].next) ++listed;
  HERD_ASSERT(cells == cells_in_use_ && cells[0] + cells[1] + cells[2] == used_ && listed == entries_.size());
}

}  // namespace herd::node::watches
