#include "node/area/curve_walk.hpp"

#include <array>
#include <limits>

namespace herd::node::area {

namespace {

constexpr std::size_t kVisited = AreaNodes::kMaxEntries;  // clients in one call of visit()

// Clients copied out of a leaf or a crowd, for one call of visit().
class Copied {
 public:
  void add(Spot spot, bus::RecordIndex record) {
    x_[count_] = spot.x;
    y_[count_] = spot.y;
    records_[count_++] = record;
  }
  [[nodiscard]] AreaNodes::Entries entries() const { return {x_.data(), y_.data(), records_.data(), count_}; }
  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] bus::RecordIndex last() const { return records_[count_ - 1]; }

 private:
  std::array<std::uint32_t, kVisited> x_;
  std::array<std::uint32_t, kVisited> y_;
  std::array<bus::RecordIndex, kVisited> records_;
  std::size_t count_ = 0;
};

}  // namespace

bool CurveWalk::run(Pace& pace, CurveVisitor& visitor) {
  while (position_.key.chart < kCharts) {
    const Chart chart = position_.key.chart;
    if (const NodeId root = tree_.nodes().root(chart); root != kNoNode) {
      const Step step = walk(root, {{chart, 0, 0}, 0}, pace, visitor);
      if (step != Step::Next) return step == Step::Stopped;
    }
    pass({chart, std::numeric_limits<std::uint64_t>::max()});
  }
  return true;
}

void CurveWalk::pass(CurveKey last) {
  position_.client.reset();
  position_.key = last;
  if (++position_.key.interleaved == 0) ++position_.key.chart;
}

// At most 33 calls deep.
CurveWalk::Step CurveWalk::walk(NodeId node, const Cell& place, Pace& pace, CurveVisitor& visitor) {
  const CurveKey last = last_key(place);
  if (last < position_.key) return Step::Next;
  const bool whole = !position_.client && position_.key <= curve_key(place.corner);
  if (pace.spend(Pace::kNode)) return Step::SliceOver;
  if (visitor.enters(node, place, whole)) {
    const AreaNodes& nodes = tree_.nodes();
    const Step step = is_leaf(node) ? visit_leaf(nodes.leaf(node), whole, pace, visitor)
                                    : walk_children(nodes.inner(node), pace, visitor);
    if (step != Step::Next) return step;
  }
  pass(last);
  return Step::Next;
}

CurveWalk::Step CurveWalk::walk_children(const AreaNodes::Inner& inner, Pace& pace, CurveVisitor& visitor) {
  const Cell cell = inner.cell();
  for (unsigned quadrant = 0; quadrant < 4; ++quadrant) {
    if (inner.children[quadrant] == kNoNode) continue;
    const Step step = walk(inner.children[quadrant], cell.quadrant(quadrant), pace, visitor);
    if (step != Step::Next) return step;
  }
  return Step::Next;
}

bool CurveWalk::is_done(CurveKey key, bus::RecordIndex record) const {
  if (key != position_.key) return key < position_.key;
  return position_.client && tree_.id_of(record) <= *position_.client;
}

CurveWalk::Step CurveWalk::visit_leaf(const AreaNodes::Leaf& leaf, bool whole, Pace& pace, CurveVisitor& visitor) {
  if (leaf.is_crowd()) return visit_crowd(leaf, pace, visitor);
  const AreaNodes::Entries entries = tree_.nodes().entries(leaf);
  (void)pace.spend(static_cast<int>(entries.count));
  if (whole) return visitor.visit(entries, pace) ? Step::Next : Step::Stopped;
  Copied rest;
  for (std::size_t i = 0; i < entries.count; ++i) {
    const Spot spot{entries.x[i], entries.y[i]};
    if (!is_done(curve_key(chart_point(spot)), entries.record[i])) rest.add(spot, entries.record[i]);
  }
  return visitor.visit(rest.entries(), pace) ? Step::Next : Step::Stopped;
}

CurveWalk::Step CurveWalk::visit_crowd(const AreaNodes::Leaf& leaf, Pace& pace, CurveVisitor& visitor) {
  const Crowd& crowd = tree_.nodes().crowd(leaf);
  const CurveKey key = curve_key(leaf.cell().corner);
  if (key < position_.key) return Step::Next;
  Crowd::Place place;
  if (key == position_.key && position_.client) place = crowd.after(tree_.store(), *position_.client);
  for (;;) {
    Copied some;
    while (some.count() < kVisited) {
      const bus::RecordIndex* record = crowd.next(place);
      if (record == nullptr) break;
      some.add(crowd.spot(), *record);
    }
    if (some.count() == 0) return Step::Next;
    if (!visitor.visit(some.entries(), pace)) return Step::Stopped;
    if (!pace.spend(static_cast<int>(some.count()))) continue;
    position_ = {key, std::string(tree_.id_of(some.last()))};
    return Step::SliceOver;
  }
}

}  // namespace herd::node::area
