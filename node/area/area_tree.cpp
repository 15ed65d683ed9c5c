#include "node/area/area_tree.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "protocol/assert.hpp"

namespace herd::node::area {

namespace {

Cell chart_cell(Chart chart) {
  return {{chart, 0, 0}, 0};
}

}  // namespace

AreaTree::Slot AreaTree::slot(bus::RecordIndex record) const {
  const std::size_t chunk = record >> kChunkBits;
  if (chunk >= slots_.size() || slots_[chunk] == nullptr) return kAbsent;
  return slots_[chunk][record & ((std::size_t{1} << kChunkBits) - 1)];
}

void AreaTree::set_slot(bus::RecordIndex record, Slot slot) {
  const std::size_t chunk = record >> kChunkBits;
  if (chunk >= slots_.size()) slots_.resize(chunk + 1);
  if (slots_[chunk] == nullptr) {
    slots_[chunk] = std::make_unique_for_overwrite<Slot[]>(std::size_t{1} << kChunkBits);
    std::fill_n(slots_[chunk].get(), std::size_t{1} << kChunkBits, kAbsent);
  }
  slots_[chunk][record & ((std::size_t{1} << kChunkBits) - 1)] = slot;
}

void AreaTree::put(bus::RecordIndex record, protocol::Point point) {
  const Entry entry{spot_of(point), record};
  const ChartPoint at = chart_point(entry.spot);
  const Slot old = slot(record);
  if (old == kAbsent) {
    insert(entry, at, kNoNode);
    ++size_;
    return;
  }
  const AreaNodes::Leaf& leaf = nodes_.leaf(leaf_of(old));
  if (!leaf.cell().contains(at)) {
    // Inserted first: so the common ancestor is valid until it is no longer needed.
    const NodeId ancestor = common_ancestor(leaf_of(old), at);
    insert(entry, at, ancestor);
    erase(record, old, ancestor);
  } else if (!leaf.is_crowd()) {
    const auto entries = nodes_.entries(leaf);
    entries.x[position_of(old)] = entry.spot.x;
    entries.y[position_of(old)] = entry.spot.y;
  }
}

void AreaTree::remove(bus::RecordIndex record) {
  const Slot old = slot(record);
  if (old == kAbsent) return;
  erase(record, old, kNoNode);
  set_slot(record, kAbsent);
  --size_;
}

std::optional<protocol::Point> AreaTree::point_of(bus::RecordIndex record) const {
  const Slot at = slot(record);
  if (at == kAbsent) return std::nullopt;
  const AreaNodes::Leaf& leaf = nodes_.leaf(leaf_of(at));
  if (leaf.is_crowd()) return area::point_of(nodes_.crowd(leaf).spot());
  const AreaNodes::Entries entries = nodes_.entries(leaf);
  return area::point_of(Spot{entries.x[position_of(at)], entries.y[position_of(at)]});
}

bool AreaTree::is_below(bus::RecordIndex record, NodeId node) const {
  const Slot at = slot(record);
  if (at == kAbsent) return false;
  NodeId above = leaf_of(at);
  while (above != node && above != kNoNode) above = nodes_.parent(above);
  return above == node;
}

std::size_t AreaTree::memory() const {
  std::size_t bytes = nodes_.memory() + slots_.capacity() * sizeof(slots_[0]);
  for (const auto& chunk : slots_) bytes += chunk == nullptr ? 0 : sizeof(Slot) << kChunkBits;
  return bytes;
}

NodeId AreaTree::common_ancestor(NodeId leaf, ChartPoint at) const {
  NodeId node = nodes_.leaf(leaf).parent;
  while (node != kNoNode && !nodes_.inner(node).cell().contains(at)) node = nodes_.inner(node).parent;
  return node;
}

Cell AreaTree::place_of(NodeId node) const {
  const Cell cell = nodes_.cell(node);
  const NodeId parent = nodes_.parent(node);
  if (parent == kNoNode) return chart_cell(cell.corner.chart);
  const Cell above = nodes_.inner(parent).cell();
  return above.quadrant(above.quadrant_of(cell.corner));
}

void AreaTree::replace(NodeId old, NodeId with) {
  const NodeId parent = nodes_.parent(old);
  const ChartPoint corner = nodes_.cell(old).corner;
  if (parent == kNoNode) {
    nodes_.set_root(corner.chart, with);
  } else {
    AreaNodes::Inner& above = nodes_.inner(parent);
    above.children[above.cell().quadrant_of(corner)] = with;
  }
  if (with != kNoNode) nodes_.set_parent(with, parent);
}

void AreaTree::insert(const Entry& entry, ChartPoint at, NodeId from) {
  NodeId parent = from;
  NodeId node = nodes_.root(at.chart);
  if (from != kNoNode) {
    const AreaNodes::Inner& above = nodes_.inner(from);
    node = above.children[above.cell().quadrant_of(at)];
  }
  for (; node != kNoNode; node = nodes_.inner(parent).children[nodes_.inner(parent).cell().quadrant_of(at)]) {
    const Cell cell = nodes_.cell(node);
    if (!cell.contains(at)) {
      parent = insert_inner(node, common_cell(cell.corner, at));
    } else if (is_leaf(node)) {
      return add_to_leaf(node, entry);
    } else {
      parent = node;
    }
    ++nodes_.inner(parent).count;
  }
  if (parent == kNoNode) {
    const NodeId leaf = nodes_.add_leaf(chart_cell(at.chart), kNoNode);
    nodes_.set_root(at.chart, leaf);
    return append(leaf, entry);
  }
  AreaNodes::Inner& above = nodes_.inner(parent);
  const unsigned quadrant = above.cell().quadrant_of(at);
  const NodeId leaf = nodes_.add_leaf(above.cell().quadrant(quadrant), parent);
  above.children[quadrant] = leaf;
  append(leaf, entry);
}

NodeId AreaTree::insert_inner(NodeId old, const Cell& cell) {
  const NodeId added = nodes_.add_inner(cell, kNoNode);
  replace(old, added);
  AreaNodes::Inner& inner = nodes_.inner(added);
  inner.count = static_cast<std::uint32_t>(nodes_.count(old));
  inner.children[cell.quadrant_of(nodes_.cell(old).corner)] = old;
  nodes_.set_parent(old, added);
  return added;
}

void AreaTree::add_to_leaf(NodeId leaf, const Entry& entry) {
  const AreaNodes::Leaf& to = nodes_.leaf(leaf);
  if (to.is_crowd()) {
    nodes_.crowd(to).insert(store_, entry.record);
    set_slot(entry.record, slot_of(leaf, 0));
  } else if (to.count == AreaNodes::kMaxEntries) {
    split(leaf, entry);
  } else {
    append(leaf, entry);
  }
}

void AreaTree::append(NodeId leaf, const Entry& entry) {
  AreaNodes::Leaf& to = nodes_.leaf(leaf);
  if (to.count == to.units * AreaNodes::kUnitEntries) nodes_.resize(to, to.count + std::size_t{1});
  const auto entries = nodes_.entries(to);
  entries.x[to.count] = entry.spot.x;
  entries.y[to.count] = entry.spot.y;
  entries.record[to.count] = entry.record;
  set_slot(entry.record, slot_of(leaf, to.count));
  ++to.count;
}

void AreaTree::split(NodeId leaf, const Entry& entry) {
  std::array<Entry, AreaNodes::kMaxEntries + 1> all;
  std::array<ChartPoint, AreaNodes::kMaxEntries + 1> points;
  const AreaNodes::Entries entries = std::as_const(nodes_).entries(nodes_.leaf(leaf));
  for (std::size_t i = 0; i < entries.count; ++i) all[i] = {{entries.x[i], entries.y[i]}, entries.record[i]};
  all.back() = entry;
  Cell cell = {chart_point(entry.spot), 32};
  for (std::size_t i = 0; i < all.size(); ++i) {
    points[i] = chart_point(all[i].spot);
    if (!cell.contains(points[i])) cell = common_cell(cell.corner, points[i]);
  }
  if (cell.level == 32) {
    nodes_.become_crowd(nodes_.leaf(leaf), entry.spot);
    Crowd& crowd = nodes_.crowd(nodes_.leaf(leaf));
    for (const Entry& each : all) crowd.insert(store_, each.record);
    set_slot(entry.record, slot_of(leaf, 0));
    return;
  }
  const NodeId inner = nodes_.add_inner(cell, kNoNode);
  replace(leaf, inner);
  nodes_.free_node(leaf);
  AreaNodes::Inner& above = nodes_.inner(inner);
  above.count = static_cast<std::uint32_t>(all.size());
  std::array<std::size_t, 4> sizes{};
  for (const ChartPoint& point : points) ++sizes[cell.quadrant_of(point)];
  for (unsigned quadrant = 0; quadrant < 4; ++quadrant) {
    if (sizes[quadrant] == 0) continue;
    above.children[quadrant] = nodes_.add_leaf(cell.quadrant(quadrant), inner);
    nodes_.resize(nodes_.leaf(above.children[quadrant]), sizes[quadrant]);
  }
  for (std::size_t i = 0; i < all.size(); ++i) append(above.children[cell.quadrant_of(points[i])], all[i]);
}

void AreaTree::erase(bus::RecordIndex record, Slot slot, NodeId until) {
  const NodeId leaf = leaf_of(slot);
  take_out(record, slot);
  for (NodeId above = nodes_.leaf(leaf).parent; above != until; above = nodes_.inner(above).parent) {
    --nodes_.inner(above).count;
  }
  shrink(leaf);
}

void AreaTree::take_out(bus::RecordIndex record, Slot slot) {
  AreaNodes::Leaf& leaf = nodes_.leaf(leaf_of(slot));
  if (leaf.is_crowd()) return nodes_.crowd(leaf).erase(store_, record);
  const auto entries = nodes_.entries(leaf);
  const std::size_t at = position_of(slot);
  const std::size_t last = leaf.count - std::size_t{1};
  HERD_ASSERT(entries.record[at] == record);
  --leaf.count;
  if (at == last) return;
  entries.x[at] = entries.x[last];
  entries.y[at] = entries.y[last];
  entries.record[at] = entries.record[last];
  set_slot(entries.record[at], slot);
}

// No ancestor but the parent can need a merge: an inner node has more clients than each inner node below it.
void AreaTree::shrink(NodeId leaf) {
  AreaNodes::Leaf& shrunk = nodes_.leaf(leaf);
  if (shrunk.is_crowd()) {
    if (nodes_.crowd(shrunk).size() > AreaNodes::kMergedEntries) return;
    crowd_to_leaf(leaf);
  }
  if (shrunk.parent != kNoNode && nodes_.inner(shrunk.parent).count <= AreaNodes::kMergedEntries) {
    merge(shrunk.parent);
  } else if (shrunk.count == 0) {
    remove_empty(leaf);
  } else {
    nodes_.resize(shrunk, shrunk.count);
  }
}

void AreaTree::crowd_to_leaf(NodeId leaf) {
  AreaNodes::Leaf& shrunk = nodes_.leaf(leaf);
  std::array<bus::RecordIndex, AreaNodes::kMergedEntries> records{};
  std::size_t count = 0;
  const Crowd& crowd = nodes_.crowd(shrunk);
  const Spot spot = crowd.spot();
  Crowd::Place place;
  while (const bus::RecordIndex* record = crowd.next(place)) records[count++] = *record;
  nodes_.become_leaf(shrunk, place_of(leaf));
  for (const bus::RecordIndex record : std::span(records).first(count)) append(leaf, {spot, record});
}

// All children are leaves: inner nodes and crowds have more clients than the sum.
void AreaTree::merge(NodeId inner) {
  const NodeId merged = nodes_.add_leaf(place_of(inner), kNoNode);
  replace(inner, merged);
  nodes_.resize(nodes_.leaf(merged), nodes_.inner(inner).count);
  for (const NodeId child : nodes_.inner(inner).children) {
    if (child == kNoNode) continue;
    const AreaNodes::Entries entries = std::as_const(nodes_).entries(nodes_.leaf(child));
    for (std::size_t i = 0; i < entries.count; ++i) {
      append(merged, {{entries.x[i], entries.y[i]}, entries.record[i]});
    }
    nodes_.free_node(child);
  }
  nodes_.free_node(inner);
}

void AreaTree::remove_empty(NodeId leaf) {
  const NodeId parent = nodes_.leaf(leaf).parent;
  replace(leaf, kNoNode);
  nodes_.free_node(leaf);
  if (parent == kNoNode) return;
  const auto& children = nodes_.inner(parent).children;
  if (std::ranges::count(children, kNoNode) < 3) return;
  const NodeId only = *std::ranges::find_if(children, [](NodeId child) { return child != kNoNode; });
  replace(parent, only);
  nodes_.free_node(parent);
  if (!is_leaf(only) || nodes_.leaf(only).is_crowd()) return;
  const Cell place = place_of(only);
  AreaNodes::Leaf& grown = nodes_.leaf(only);
  grown.x = place.corner.x;
  grown.v = place.corner.v;
  grown.level = place.level;
}

void AreaTree::check_invariants() const {
  std::size_t clients = 0;
  std::size_t units = 0;
  for (Chart chart = 0; chart < kCharts; ++chart) {
    const NodeId root = nodes_.root(chart);
    if (root != kNoNode) clients += check_node(root, kNoNode, chart_cell(chart), units);
  }
  HERD_ASSERT(clients == size_);
  HERD_ASSERT(nodes_.blocks_.check_invariants() == units);
  std::size_t slots = 0;
  for (const auto& chunk : slots_) {
    if (chunk == nullptr) continue;
    slots += std::size_t{1} << kChunkBits;
    slots -= static_cast<std::size_t>(std::count(chunk.get(), chunk.get() + (std::size_t{1} << kChunkBits), kAbsent));
  }
  HERD_ASSERT(slots == size_);
}

// Returns the number of clients, and adds the units of their blocks. `place` is the quadrant of the parent, or the
// chart.
std::size_t AreaTree::check_node(NodeId node, NodeId parent, const Cell& place, std::size_t& units) const {
  const Cell cell = nodes_.cell(node);
  HERD_ASSERT(nodes_.parent(node) == parent && place.contains(cell.corner) && cell.level >= place.level);
  if (is_leaf(node)) return check_leaf(node, place, units);
  std::size_t clients = 0;
  std::size_t children = 0;
  for (unsigned quadrant = 0; quadrant < 4; ++quadrant) {
    const NodeId child = nodes_.inner(node).children[quadrant];
    if (child == kNoNode) continue;
    clients += check_node(child, node, cell.quadrant(quadrant), units);
    ++children;
  }
  HERD_ASSERT(children >= 2 && clients == nodes_.inner(node).count && clients > AreaNodes::kMergedEntries);
  return clients;
}

std::size_t AreaTree::check_leaf(NodeId node, const Cell& place, std::size_t& units) const {
  const AreaNodes::Leaf& leaf = nodes_.leaf(node);
  if (leaf.is_crowd()) {
    const Crowd& crowd = nodes_.crowd(leaf);
    crowd.check_invariants(store_);
    HERD_ASSERT(crowd.size() > AreaNodes::kMergedEntries);
    HERD_ASSERT((leaf.cell() == Cell{chart_point(crowd.spot()), 32}));
    Crowd::Place at;
    while (const bus::RecordIndex* record = crowd.next(at)) HERD_ASSERT(leaf_of(slot(*record)) == node);
    return crowd.size();
  }
  HERD_ASSERT(leaf.cell() == place && leaf.count > 0 && leaf.count <= AreaNodes::kMaxEntries);
  units += leaf.units;
  const AreaNodes::Entries entries = nodes_.entries(leaf);
  for (std::size_t i = 0; i < entries.count; ++i) {
    HERD_ASSERT(place.contains(chart_point({entries.x[i], entries.y[i]})));
    HERD_ASSERT(slot(entries.record[i]) == slot_of(node, i));
  }
  return leaf.count;
}

}  // namespace herd::node::area
