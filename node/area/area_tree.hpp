// The points of all clients, as a quadtree for each chart (node/area/chart.hpp, node/area/area_nodes.hpp), and for each
// client the leaf that contains it. A client is its RecordIndex in the store; the ids are read only where many clients
// are at one point. docs/decisions/0037-area-index.md has the reasons and figures.
//
// The tree stores exact points: in whole units of 1e-7 degrees, as they are judged. All equal points
// (protocol/point.hpp) are one point here.
//
// Bounds: put() and remove() read at most about 130 clients, wherever the clients are: all at one point, all within a
// millimetre, all at a pole. Memory that clients leave is reused, and freed with the tree.
//
// Pure. Loop thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "bus/store/store.hpp"
#include "node/area/area_nodes.hpp"
#include "protocol/point.hpp"

namespace herd::node::area {

class AreaTree {
 public:
  // The store must exist as long as the tree. Each record that is put must be in it.
  explicit AreaTree(const bus::Store& store) : store_(store) {}

  // Inserts the client, or moves it if it is in the tree. A move within a leaf, as nearly all are, writes two words.
  void put(bus::RecordIndex record, protocol::Point point);
  // Does nothing if the client is not in the tree.
  void remove(bus::RecordIndex record);
  // Where the client is, in the one form of point_of(Spot); nullopt if it is not in the tree.
  [[nodiscard]] std::optional<protocol::Point> point_of(bus::RecordIndex record) const;

  // Whether the client is in the tree, in the node or below it.
  [[nodiscard]] bool is_below(bus::RecordIndex record, NodeId node) const;

  static constexpr std::size_t kPrefetched = 64;
  // A hint to the processor: put(), remove() or point_of() follow soon for these clients. `points`: the new point of
  // each client; nullopt: it will be removed. At most kPrefetched clients; pays from about four.
  void prefetch(std::span<const bus::RecordIndex> records,
                std::span<const std::optional<protocol::Point>> points) const;

  [[nodiscard]] std::size_t size() const { return size_; }
  // Bytes allocated.
  [[nodiscard]] std::size_t memory() const;

  // For the searches. A NodeId is valid until the tree changes.
  [[nodiscard]] const AreaNodes& nodes() const { return nodes_; }
  [[nodiscard]] const bus::Store& store() const { return store_; }
  [[nodiscard]] std::string_view id_of(bus::RecordIndex record) const { return store_.packed_at(record).client; }

  // Asserts that each client is in the leaf that its slot names, each entry in its cell, and that the counts, the sizes
  // and the parents are right. O(n).
  void check_invariants() const;

 private:
  // Where a client is: the number of its leaf and its entry's position; in a crowd the position has no meaning.
  using Slot = std::uint32_t;
  static constexpr unsigned kSlotBits = 6;
  static constexpr Slot kAbsent = UINT32_MAX;
  static constexpr unsigned kChunkBits = 14;  // 16,384 slots, 64 KiB
  static_assert(AreaNodes::kMaxEntries <= std::size_t{1} << kSlotBits);

  struct Entry {
    Spot spot;
    bus::RecordIndex record = 0;
  };

  [[nodiscard]] static Slot slot_of(NodeId leaf, std::size_t at) {
    return (leaf & ~kLeafBit) << kSlotBits | static_cast<Slot>(at);
  }
  [[nodiscard]] static NodeId leaf_of(Slot slot) { return slot >> kSlotBits | kLeafBit; }
  [[nodiscard]] static std::size_t position_of(Slot slot) { return slot & ((Slot{1} << kSlotBits) - 1); }
  [[nodiscard]] Slot slot(bus::RecordIndex record) const;
  void set_slot(bus::RecordIndex record, Slot slot);

  // Prefetches the leaf into which each of these points would be inserted, and the end of its entries.
  void prefetch_leaves(std::span<const ChartPoint> points) const;
  // Adds the entry below `from`, an inner node of which the cell contains it, or in its chart if kNoNode. The counts
  // above `from`, and its own, do not change.
  void insert(const Entry& entry, ChartPoint at, NodeId from);
  // Puts a new node at the place of `old`, which becomes its child; returns it.
  NodeId insert_inner(NodeId old, const Cell& cell);
  void add_to_leaf(NodeId leaf, const Entry& entry);
  void append(NodeId leaf, const Entry& entry);
  void split(NodeId leaf, const Entry& entry);
  // Removes an entry, where `slot` was the record's. The counts from the leaf's parent up to below `until` decrease by
  // one.
  void erase(bus::RecordIndex record, Slot slot, NodeId until);
  void take_out(bus::RecordIndex record, Slot slot);
  // Restores the rules of sizes at a leaf that lost a client, and at its ancestors.
  void shrink(NodeId leaf);
  void crowd_to_leaf(NodeId leaf);
  void merge(NodeId inner);
  void remove_empty(NodeId leaf);
  // The lowest inner node above `leaf` of which the cell contains the point; kNoNode if there is none.
  [[nodiscard]] NodeId common_ancestor(NodeId leaf, ChartPoint at) const;
  // The cell that a leaf in place of `node` has.
  [[nodiscard]] Cell place_of(NodeId node) const;
  void replace(NodeId old, NodeId with);
  [[nodiscard]] std::size_t check_node(NodeId node, NodeId parent, const Cell& place, std::size_t& units) const;
  [[nodiscard]] std::size_t check_leaf(NodeId node, const Cell& place, std::size_t& units) const;

  const bus::Store& store_;
  AreaNodes nodes_;
  std::vector<std::unique_ptr<Slot[]>> slots_;  // by record; a chunk without clients may be nullptr
  std::size_t size_ = 0;
};

}  // namespace herd::node::area
