// The part of node/area/area_tree.hpp that prefetches.
#include <array>
#include <optional>
#include <span>

#include "node/area/area_tree.hpp"
#include "protocol/assert.hpp"
#include "protocol/prefetch.hpp"

namespace herd::node::area {

// Each step visits all clients before the next step begins, so that the cache misses of one step overlap.
void AreaTree::prefetch(std::span<const bus::RecordIndex> records,
                        std::span<const std::optional<protocol::Point>> points) const {
  HERD_ASSERT(records.size() <= kPrefetched && points.size() == records.size());
  for (const bus::RecordIndex record : records) {
    const std::size_t chunk = record >> kChunkBits;
    if (chunk >= slots_.size() || slots_[chunk] == nullptr) continue;
    protocol::prefetch<protocol::PrefetchFor::Writing>(&slots_[chunk][record & ((std::size_t{1} << kChunkBits) - 1)]);
  }
  for (const bus::RecordIndex record : records) {
    if (const Slot at = slot(record); at != kAbsent) protocol::prefetch(&nodes_.leaf(leaf_of(at)));
  }
  for (const bus::RecordIndex record : records) {
    const Slot at = slot(record);
    if (at == kAbsent || nodes_.leaf(leaf_of(at)).is_crowd()) continue;
    const AreaNodes::Entries entries = nodes_.entries(nodes_.leaf(leaf_of(at)));
    protocol::prefetch<protocol::PrefetchFor::Writing>(entries.x + position_of(at));
    protocol::prefetch<protocol::PrefetchFor::Writing>(entries.y + position_of(at));
  }
  std::array<ChartPoint, kPrefetched> added;
  std::size_t count = 0;
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (points[i] && slot(records[i]) == kAbsent) added[count++] = chart_point(spot_of(*points[i]));
  }
  prefetch_leaves(std::span(added).first(count));
}

// All points descend together, one node in each round, so that their cache misses overlap.
void AreaTree::prefetch_leaves(std::span<const ChartPoint> points) const {
  std::array<NodeId, kPrefetched> nodes{};
  for (std::size_t i = 0; i < points.size(); ++i) nodes[i] = nodes_.root(points[i].chart);
  for (bool is_complete = false; !is_complete;) {
    is_complete = true;
    for (std::size_t i = 0; i < points.size(); ++i) {
      if (nodes[i] == kNoNode || is_leaf(nodes[i])) continue;
      const AreaNodes::Inner& inner = nodes_.inner(nodes[i]);
      const Cell cell = inner.cell();
      nodes[i] = cell.contains(points[i]) ? inner.children[cell.quadrant_of(points[i])] : kNoNode;
      if (nodes[i] == kNoNode) continue;
      nodes_.prefetch(nodes[i]);
      is_complete = false;
    }
  }
  for (const NodeId node : std::span(nodes).first(points.size())) {
    if (node == kNoNode || nodes_.leaf(node).is_crowd()) continue;
    const AreaNodes::Entries entries = nodes_.entries(nodes_.leaf(node));
    protocol::prefetch<protocol::PrefetchFor::Writing>(entries.x + entries.count);
    protocol::prefetch<protocol::PrefetchFor::Writing>(entries.y + entries.count);
    protocol::prefetch<protocol::PrefetchFor::Writing>(entries.record + entries.count);
  }
}

}  // namespace herd::node::area
