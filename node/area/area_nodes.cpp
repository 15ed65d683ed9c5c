#include "node/area/area_nodes.hpp"

#include <algorithm>

#include "protocol/assert.hpp"

namespace herd::node::area {

AreaNodes::AreaNodes() {
  static_assert(kMaxEntries == BlockPool::kMaxUnits * kUnitEntries);
  roots_.fill(kNoNode);
}

std::size_t AreaNodes::count(NodeId node) const {
  if (!is_leaf(node)) return inner(node).count;
  const Leaf& l = leaf(node);
  return l.is_crowd() ? crowd(l).size() : l.count;
}

AreaNodes::Entries AreaNodes::entries(const Leaf& leaf) const {
  const std::size_t capacity = leaf.units * kUnitEntries;
  const std::uint32_t* first = blocks_.at(leaf.block);
  return {first, first + capacity, first + 2 * capacity, leaf.count};
}

AreaNodes::EntriesOf<std::uint32_t> AreaNodes::entries(const Leaf& leaf) {
  const std::size_t capacity = leaf.units * kUnitEntries;
  std::uint32_t* first = blocks_.at(leaf.block);
  return {first, first + capacity, first + 2 * capacity, leaf.count};
}

NodeId AreaNodes::add_leaf(const Cell& cell, NodeId parent) {
  const std::uint32_t number = leaves_.take();
  HERD_ASSERT(number < kMaxLeaves);
  *leaves_.at(number) = {cell.corner.x, cell.corner.v, blocks_.take(1), parent, cell.corner.chart, cell.level, 0, 1};
  return number | kLeafBit;
}

NodeId AreaNodes::add_inner(const Cell& cell, NodeId parent) {
  const std::uint32_t number = inners_.take();
  Inner& node = *inners_.at(number);
  node.children.fill(kNoNode);
  node.parent = parent;
  node.count = 0;
  node.x = cell.corner.x;
  node.v = cell.corner.v;
  node.chart = cell.corner.chart;
  node.level = cell.level;
  return number;
}

void AreaNodes::free_node(NodeId node) {
  if (!is_leaf(node)) return inners_.give_back(node);
  free_content(leaf(node));
  leaves_.give_back(node & ~kLeafBit);
}

void AreaNodes::free_content(const Leaf& leaf) {
  if (!leaf.is_crowd()) return blocks_.give_back(leaf.block, leaf.units);
  crowds_[leaf.block].reset();
  free_crowds_.push_back(leaf.block);
}

// A leaf shrinks only when two units would be free, and then by one, so that a client that comes and goes does not copy
// it each time.
void AreaNodes::resize(Leaf& leaf, std::size_t count) {
  const std::size_t old_units = leaf.units;
  const std::size_t needed = (count + kUnitEntries - 1) / kUnitEntries;
  if (needed <= old_units && needed + 2 > old_units) return;
  const std::size_t units = needed > old_units ? needed : old_units - 1;
  const EntriesOf<std::uint32_t> from = entries(leaf);
  const std::uint32_t old_block = leaf.block;
  leaf.block = blocks_.take(units);
  leaf.units = static_cast<std::uint8_t>(units);
  const EntriesOf<std::uint32_t> to = entries(leaf);
  std::copy_n(from.x, leaf.count, to.x);
  std::copy_n(from.y, leaf.count, to.y);
  std::copy_n(from.record, leaf.count, to.record);
  blocks_.give_back(old_block, old_units);
}

void AreaNodes::become_crowd(Leaf& leaf, Spot spot) {
  free_content(leaf);
  const ChartPoint at = chart_point(spot);
  if (free_crowds_.empty()) {
    free_crowds_.push_back(static_cast<std::uint32_t>(crowds_.size()));
    crowds_.emplace_back();
  }
  const std::uint32_t number = free_crowds_.back();
  free_crowds_.pop_back();
  crowds_[number] = std::make_unique<Crowd>(spot);
  leaf = {at.x, at.v, number, leaf.parent, at.chart, 32, 0, kCrowdUnits};
}

void AreaNodes::become_leaf(Leaf& leaf, const Cell& cell) {
  free_content(leaf);
  leaf = {cell.corner.x, cell.corner.v, blocks_.take(1), leaf.parent, cell.corner.chart, cell.level, 0, 1};
}

std::size_t AreaNodes::memory() const {
  std::size_t bytes = leaves_.memory() + inners_.memory() + crowds_.capacity() * sizeof(crowds_[0]) +
                      free_crowds_.capacity() * sizeof(free_crowds_[0]) + blocks_.memory();
  for (const auto& crowd : crowds_) bytes += crowd == nullptr ? 0 : crowd->memory();
  return bytes;
}

}  // namespace herd::node::area
