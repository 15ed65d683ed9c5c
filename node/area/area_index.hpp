// The area index of a node: the tree of all clients' points, kept by reading the store's feed. It has a cursor in the
// feed as every reader has, so its first build, catching up and normal running are one code. While it is not active
// (nothing asks for areas) it has no memory and costs nothing.
//
//   AreaIndex index(store);
//   index.start();                    // the cursor is 0: everything is still to come
//   index.follow(slice, on_moved);    // in each loop iteration; is_current() when it has caught up
//   NearSearch(index.tree(), ...);
//
// Pure. Loop thread only.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "bus/store/store.hpp"
#include "node/area/area_tree.hpp"
#include "node/area/slice.hpp"
#include "protocol/point.hpp"

namespace herd::node::area {

// One change that the index has applied.
struct Moved {
  bus::RecordIndex record = 0;
  bus::ChangeNumber number = 0;           // of the change in the feed
  std::optional<protocol::Point> before;  // where the index had the client; nullopt: it was not there
  std::optional<protocol::Point> after;   // where it is now, perhaps the same point; nullopt: the client was reset
};

class AreaIndex {
 public:
  // The store must exist as long as the index.
  explicit AreaIndex(const bus::Store& store);

  // Becomes active, with an empty tree and the cursor 0. Must not be active.
  void start();
  // Frees everything. Does nothing if it is not active. No search on the tree may run after this.
  void drop();
  [[nodiscard]] bool is_active() const { return tree_ != nullptr; }

  // Whether all changes of the store are in the tree. Active only.
  [[nodiscard]] bool is_current() const { return cursor_ == store_.feed().tail(); }
  // All changes up to and including this number are in the tree.
  [[nodiscard]] bus::ChangeNumber cursor() const { return cursor_; }
  // Active only.
  [[nodiscard]] const AreaTree& tree() const { return *tree_; }
  // Bytes allocated; 0 while it is not active.
  [[nodiscard]] std::size_t memory() const { return tree_ == nullptr ? 0 : tree_->memory(); }

  // Called for each batch of changes, after they were applied to the tree: at most kBatch, in the order of the feed,
  // each of another client. The points are in the form of point_of(Spot) of node/area/chart.hpp: a longitude of +180
  // degrees is -180, as is every longitude at a pole. A change that was superseded before it was read does not appear.
  // Must not change the store.
  using OnMoved = std::function<void(std::span<const Moved>)>;

  // Changes that are prefetched and applied together. More do not save more, and a batch is the shortest slice.
  static constexpr std::size_t kBatch = AreaTree::kPrefetched;

  // Applies the changes after the cursor, until it is current or the slice is over; at least one batch. Active only.
  // `on_moved` may be empty.
  void follow(Slice& slice, const OnMoved& on_moved);

 private:
  [[nodiscard]] std::optional<protocol::Point> point_in_store(bus::RecordIndex record) const;
  // Moves the client of the change to its new point, and completes the change.
  void apply(Moved& moved, const std::optional<protocol::Point>& point);

  const bus::Store& store_;
  std::unique_ptr<AreaTree> tree_;  // nullptr: not active
  bus::ChangeNumber cursor_ = 0;
};

}  // namespace herd::node::area
