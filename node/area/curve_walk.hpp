// Visits the clients of a tree in the order of the curve, in slices. It keeps its position as a place on the curve, so
// the tree may change between two slices. Loop thread only.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "node/area/area_tree.hpp"
#include "node/area/pace.hpp"

namespace herd::node::area {

// All clients before this are done: those with keys below `key`, and at `key` those with ids up to `client`.
struct CurvePosition {
  CurveKey key;
  std::optional<std::string> client;  // nullopt: none at `key` is done
};

class CurveVisitor {
 public:
  CurveVisitor() = default;
  CurveVisitor(const CurveVisitor&) = delete;
  CurveVisitor& operator=(const CurveVisitor&) = delete;
  virtual ~CurveVisitor() = default;

  // Whether to visit the clients of `node`, all of which are in `place`. `whole`: none of its clients is done yet.
  [[nodiscard]] virtual bool enters(NodeId node, const Cell& place, bool whole) = 0;
  // At most 64 clients. Those of one call are in no order, unless they are of a crowd: then they are at one point, in
  // the order of their ids. Later calls give clients that are later on the curve. Returns false to end the walk.
  [[nodiscard]] virtual bool visit(const AreaNodes::Entries& entries, Pace& pace) = 0;
};

class CurveWalk {
 public:
  CurveWalk(const AreaTree& tree, CurvePosition from) : tree_(tree), position_(std::move(from)) {}

  // Continues. Returns false if the slice was over first, true if all is visited or the visitor ended the walk.
  [[nodiscard]] bool run(Pace& pace, CurveVisitor& visitor);

 private:
  enum class Step { Next, Stopped, SliceOver };

  [[nodiscard]] Step walk(NodeId node, const Cell& place, Pace& pace, CurveVisitor& visitor);
  [[nodiscard]] Step walk_children(const AreaNodes::Inner& inner, Pace& pace, CurveVisitor& visitor);
  [[nodiscard]] Step visit_leaf(const AreaNodes::Leaf& leaf, bool whole, Pace& pace, CurveVisitor& visitor);
  [[nodiscard]] Step visit_crowd(const AreaNodes::Leaf& leaf, Pace& pace, CurveVisitor& visitor);
  [[nodiscard]] bool is_done(CurveKey key, bus::RecordIndex record) const;
  // Everything up to and including `last` is done.
  void pass(CurveKey last);

  const AreaTree& tree_;
  CurvePosition position_;
};

}  // namespace herd::node::area
