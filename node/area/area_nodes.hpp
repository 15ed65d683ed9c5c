// The nodes of an AreaTree, and the memory of their entries. A forest of one quadtree for each chart:
//
//   inner node   the smallest cell that contains all its clients; 2 to 4 children, one for each quadrant with clients
//   leaf         1 to kMaxEntries clients anywhere in the quadrant of its parent; entries of 12 bytes
//   crowd        a leaf of more than kMaxEntries clients, all at one point (node/area/crowd.hpp)
//
// Cells between an inner node and its child have no node, so a tree has fewer inner nodes than leaves, at any skew.
// Searches read the nodes; only AreaTree changes them. Loop thread only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "bus/store/feed.hpp"
#include "node/area/block_pool.hpp"
#include "node/area/chart.hpp"
#include "node/area/chunk_pool.hpp"
#include "node/area/crowd.hpp"
#include "protocol/prefetch.hpp"

namespace herd::node::area {

// The number of a leaf, with kLeafBit, or of an inner node, or kNoNode. Valid until the tree changes.
using NodeId = std::uint32_t;
inline constexpr NodeId kNoNode = UINT32_MAX;
inline constexpr NodeId kLeafBit = std::uint32_t{1} << 31U;

[[nodiscard]] constexpr bool is_leaf(NodeId node) {
  return (node & kLeafBit) != 0;
}

class AreaNodes {
 public:
  static constexpr std::size_t kMaxEntries = 64;     // of a leaf; one more splits it
  static constexpr std::size_t kMergedEntries = 32;  // an inner node with no more becomes a leaf, and so does a crowd
  static constexpr std::size_t kUnitEntries = BlockPool::kUnitWords / 3;  // a unit of a block has space for 4 entries
  static constexpr std::uint8_t kCrowdUnits = UINT8_MAX;                  // as Leaf::units

  struct Leaf {
    std::uint32_t x = 0;  // corner of the cell: of a crowd its point, else its whole quadrant of the parent
    std::uint32_t v = 0;
    std::uint32_t block = 0;  // of its entries; of a crowd, the number of the crowd
    NodeId parent = kNoNode;  // an inner node; kNoNode: the root of a chart
    Chart chart = 0;
    std::uint8_t level = 0;  // of the cell
    std::uint8_t count = 0;  // entries; not for a crowd
    std::uint8_t units = 0;  // of the block

    [[nodiscard]] bool is_crowd() const { return units == kCrowdUnits; }
    [[nodiscard]] Cell cell() const { return {{chart, x, v}, level}; }
  };
  struct Inner {
    std::array<NodeId, 4> children{};  // in the order of the curve; kNoNode if the quadrant has no client
    NodeId parent = kNoNode;
    std::uint32_t count = 0;  // clients
    std::uint32_t x = 0;      // corner of the cell
    std::uint32_t v = 0;
    Chart chart = 0;
    std::uint8_t level = 0;

    [[nodiscard]] Cell cell() const { return {{chart, x, v}, level}; }
  };
  // The entries of a leaf, as three arrays. Not for a crowd.
  template <typename Number>
  struct EntriesOf {
    Number* x;  // of the Spots
    Number* y;
    Number* record;
    std::size_t count;
  };
  using Entries = EntriesOf<const std::uint32_t>;

  AreaNodes();

  [[nodiscard]] NodeId root(Chart chart) const { return roots_[chart]; }
  void set_root(Chart chart, NodeId node) { roots_[chart] = node; }

  [[nodiscard]] const Leaf& leaf(NodeId node) const { return *leaves_.at(node & ~kLeafBit); }
  [[nodiscard]] Leaf& leaf(NodeId node) { return *leaves_.at(node & ~kLeafBit); }
  [[nodiscard]] const Inner& inner(NodeId node) const { return *inners_.at(node); }
  [[nodiscard]] Inner& inner(NodeId node) { return *inners_.at(node); }
  [[nodiscard]] Cell cell(NodeId node) const { return is_leaf(node) ? leaf(node).cell() : inner(node).cell(); }
  [[nodiscard]] NodeId parent(NodeId node) const { return is_leaf(node) ? leaf(node).parent : inner(node).parent; }
  void set_parent(NodeId node, NodeId parent) { (is_leaf(node) ? leaf(node).parent : inner(node).parent) = parent; }
  // The clients below.
  [[nodiscard]] std::size_t count(NodeId node) const;

  // A hint to the processor: the node is read soon.
  void prefetch(NodeId node) const {
    protocol::prefetch(is_leaf(node) ? static_cast<const void*>(&leaf(node)) : &inner(node));
  }

  [[nodiscard]] Entries entries(const Leaf& leaf) const;
  [[nodiscard]] EntriesOf<std::uint32_t> entries(const Leaf& leaf);
  [[nodiscard]] const Crowd& crowd(const Leaf& leaf) const { return *crowds_[leaf.block]; }
  [[nodiscard]] Crowd& crowd(const Leaf& leaf) { return *crowds_[leaf.block]; }

  // A leaf of this cell without entries.
  [[nodiscard]] NodeId add_leaf(const Cell& cell, NodeId parent);
  // An inner node of this cell without children.
  [[nodiscard]] NodeId add_inner(const Cell& cell, NodeId parent);
  // Frees the node, and a leaf's entries or crowd.
  void free_node(NodeId node);
  // Makes space for `count` entries, or gives back what they do not need. Keeps the first leaf.count entries, which
  // must not be more than `count`.
  void resize(Leaf& leaf, std::size_t count);
  // Turns a leaf into a crowd without clients, which frees its entries; and a crowd into a leaf without entries.
  void become_crowd(Leaf& leaf, Spot spot);
  void become_leaf(Leaf& leaf, const Cell& cell);

  // Bytes allocated. O(crowds).
  [[nodiscard]] std::size_t memory() const;

 private:
  friend class AreaTree;  // its check_invariants() checks blocks_

  static constexpr std::uint32_t kMaxLeaves = std::uint32_t{1} << 26U;  // AreaTree has 26 bits for the number

  void free_content(const Leaf& leaf);

  ChunkPool<Leaf> leaves_;
  ChunkPool<Inner> inners_;
  BlockPool blocks_;
  std::vector<std::unique_ptr<Crowd>> crowds_;  // nullptr: free
  std::vector<std::uint32_t> free_crowds_;
  std::array<NodeId, kCharts> roots_;
};

}  // namespace herd::node::area
