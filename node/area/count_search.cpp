#include "node/area/count_search.hpp"

#include <utility>

#include "node/area/area_filter.hpp"
#include "node/area/curve_walk.hpp"
#include "node/area/pace.hpp"
#include "protocol/overloaded.hpp"

namespace herd::node::area {

namespace {

using Filter = std::variant<DiscFilter, BoxFilter>;

Filter filter_of(const std::variant<Disc, protocol::Box>& area) {
  return std::visit(protocol::Overloaded{[](const Disc& disc) { return Filter(DiscFilter(disc)); },
                                         [](const protocol::Box& box) { return Filter(BoxFilter(box)); }},
                    area);
}

}  // namespace

class CountSearch::Work final : public CurveVisitor {
 public:
  Work(const AreaTree& tree, const std::variant<Disc, protocol::Box>& area, std::optional<bus::RecordIndex> except,
       Accepts accepts)
      : tree_(tree), filter_(filter_of(area)), except_(except), accepts_(std::move(accepts)), walk_(tree, {}) {}

  bool run(Slice& slice);
  [[nodiscard]] std::uint64_t count() const { return count_; }

  bool enters(NodeId node, const Cell& place, bool whole) override;
  bool visit(const AreaNodes::Entries& entries, Pace& pace) override;

 private:
  [[nodiscard]] Inside contained(const SpotRange& range) const {
    return std::visit([&](const auto& filter) { return filter.contained(range); }, filter_);
  }
  [[nodiscard]] bool contains(Spot spot) const {
    return std::visit([&](const auto& filter) { return filter.contains(spot); }, filter_);
  }
  // How much of the node is inside; exact for a crowd.
  [[nodiscard]] Inside contained(NodeId node, const Cell& place) const;
  [[nodiscard]] bool counts(bus::RecordIndex record) const {
    return record != except_ && (!accepts_ || accepts_(record));
  }

  const AreaTree& tree_;
  const Filter filter_;
  const std::optional<bus::RecordIndex> except_;
  const Accepts accepts_;
  CurveWalk walk_;
  std::uint64_t count_ = 0;
};

bool CountSearch::Work::run(Slice& slice) {
  Pace pace(slice);
  return walk_.run(pace, *this);
}

Inside CountSearch::Work::contained(NodeId node, const Cell& place) const {
  const Inside in_place = contained(range_of(place));
  if (in_place != Inside::Partly) return in_place;
  const AreaNodes& nodes = tree_.nodes();
  if (!is_leaf(node)) return contained(range_of(nodes.cell(node)));
  const AreaNodes::Leaf& leaf = nodes.leaf(node);
  if (!leaf.is_crowd()) return Inside::Partly;
  return contains(nodes.crowd(leaf).spot()) ? Inside::All : Inside::None;
}

bool CountSearch::Work::enters(NodeId node, const Cell& place, bool whole) {
  const Inside inside = contained(node, place);
  if (inside != Inside::All || !whole || accepts_) return inside != Inside::None;
  count_ += tree_.nodes().count(node);
  if (except_ && tree_.is_below(*except_, node)) --count_;
  return false;
}

bool CountSearch::Work::visit(const AreaNodes::Entries& entries, Pace& pace) {
  for (std::size_t i = 0; i < entries.count; ++i) {
    if (!contains({entries.x[i], entries.y[i]})) continue;
    if (accepts_) (void)pace.spend(Pace::kExact);
    if (counts(entries.record[i])) ++count_;
  }
  (void)pace.spend(static_cast<int>(2 * entries.count));
  return true;
}

CountSearch::CountSearch(const AreaTree& tree, const std::variant<Disc, protocol::Box>& area,
                         std::optional<bus::RecordIndex> except, Accepts accepts)
    : work_(std::make_unique<Work>(tree, area, except, std::move(accepts))) {}
CountSearch::~CountSearch() = default;
CountSearch::CountSearch(CountSearch&&) noexcept = default;
CountSearch& CountSearch::operator=(CountSearch&&) noexcept = default;

bool CountSearch::run(Slice& slice) {
  return work_->run(slice);
}

std::uint64_t CountSearch::count() const {
  return work_->count();
}

}  // namespace herd::node::area
