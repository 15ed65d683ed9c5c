#include "node/area/within_search.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <unordered_set>
#include <utility>

#include "node/area/area_filter.hpp"
#include "node/area/curve_walk.hpp"
#include "node/area/pace.hpp"

namespace herd::node::area {

namespace {

CurvePosition position_after(std::optional<WithinPlace> after) {
  if (!after) return {};
  return {after->key, std::move(after->client)};
}

}  // namespace

class WithinSearch::Work final : public CurveVisitor {
 public:
  Work(const AreaTree& tree, const protocol::Box& box, std::size_t max, std::optional<WithinPlace> after,
       Accepts accepts)
      : tree_(tree),
        filter_(box),
        max_(max),
        accepts_(std::move(accepts)),
        walk_(tree, position_after(std::move(after))) {}

  bool run(Slice& slice);
  [[nodiscard]] std::vector<bus::RecordIndex> take() const;
  [[nodiscard]] bool has_more() const { return found_.size() > max_; }
  [[nodiscard]] std::optional<WithinPlace> last_place() const;

  bool enters(NodeId node, const Cell& place, bool whole) override;
  bool visit(const AreaNodes::Entries& entries, Pace& pace) override;

 private:
  struct InBox {
    CurveKey key;
    bus::RecordIndex record = 0;
  };

  // Returns false once nothing more is wanted.
  [[nodiscard]] bool offer(const InBox& client, Pace& pace);

  const AreaTree& tree_;
  const BoxFilter filter_;
  const std::size_t max_;
  const Accepts accepts_;
  CurveWalk walk_;
  std::vector<InBox> found_;                    // at most one more than max_
  bool sliced_ = false;                         // a client may be found again at another point
  std::unordered_set<bus::RecordIndex> known_;  // the clients in found_, if sliced_
};

bool WithinSearch::Work::run(Slice& slice) {
  Pace pace(slice);
  if (walk_.run(pace, *this)) return true;
  if (!sliced_) {
    for (const InBox& client : found_) known_.insert(client.record);
  }
  sliced_ = true;
  return false;
}

bool WithinSearch::Work::enters(NodeId node, const Cell& place, bool /*whole*/) {
  if (filter_.contained(range_of(place)) == Inside::None) return false;
  return is_leaf(node) || filter_.contained(range_of(tree_.nodes().cell(node))) != Inside::None;
}

bool WithinSearch::Work::visit(const AreaNodes::Entries& entries, Pace& pace) {
  std::array<InBox, AreaNodes::kMaxEntries> inside;
  std::size_t count = 0;
  for (std::size_t i = 0; i < entries.count; ++i) {
    const Spot spot{entries.x[i], entries.y[i]};
    if (filter_.contains(spot)) inside[count++] = {curve_key(chart_point(spot)), entries.record[i]};
  }
  const auto is_before = [this](const InBox& a, const InBox& b) {
    return a.key != b.key ? a.key < b.key : tree_.id_of(a.record) < tree_.id_of(b.record);
  };
  const auto end = inside.begin() + static_cast<std::ptrdiff_t>(count);
  if (!std::is_sorted(inside.begin(), end, is_before)) std::sort(inside.begin(), end, is_before);
  return std::all_of(inside.begin(), end, [&](const InBox& client) { return offer(client, pace); });
}

bool WithinSearch::Work::offer(const InBox& client, Pace& pace) {
  if (accepts_) {
    (void)pace.spend(Pace::kExact);
    if (!accepts_(client.record)) return true;
  }
  if (sliced_ && !known_.insert(client.record).second) return true;
  found_.push_back(client);
  return found_.size() <= max_;
}

std::vector<bus::RecordIndex> WithinSearch::Work::take() const {
  std::vector<bus::RecordIndex> records;
  records.reserve(std::min(found_.size(), max_));
  for (std::size_t i = 0; i < std::min(found_.size(), max_); ++i) records.push_back(found_[i].record);
  return records;
}

std::optional<WithinPlace> WithinSearch::Work::last_place() const {
  const std::size_t count = std::min(found_.size(), max_);
  if (count == 0) return std::nullopt;
  const InBox& last = found_[count - 1];
  return WithinPlace{last.key, std::string(tree_.id_of(last.record))};
}

WithinSearch::WithinSearch(const AreaTree& tree, const protocol::Box& box, std::size_t max,
                           std::optional<WithinPlace> after, Accepts accepts)
    : work_(std::make_unique<Work>(tree, box, max, std::move(after), std::move(accepts))) {}
WithinSearch::~WithinSearch() = default;
WithinSearch::WithinSearch(WithinSearch&&) noexcept = default;
WithinSearch& WithinSearch::operator=(WithinSearch&&) noexcept = default;

bool WithinSearch::run(Slice& slice) {
  return work_->run(slice);
}

std::vector<bus::RecordIndex> WithinSearch::take() {
  return work_->take();
}

bool WithinSearch::has_more() const {
  return work_->has_more();
}

std::optional<WithinPlace> WithinSearch::last_place() const {
  return work_->last_place();
}

}  // namespace herd::node::area
