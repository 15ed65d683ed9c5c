#include "node/area/map_search.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "node/area/area_filter.hpp"
#include "node/area/curve_walk.hpp"
#include "node/area/pace.hpp"

namespace herd::node::area {
namespace {

// The grid over a box: its rows go north, its columns go east, also across the antimeridian.
class Grid {
 public:
  Grid(const protocol::Box& box, std::size_t max_cells)
      : west_(spot_of({0, box.south_west.longitude}).x),
        south_(spot_of(box.south_west).y),
        width_(width_of(box)),
        height_(std::uint64_t{spot_of(box.north_east).y} - south_ + 1) {
    const double ratio = static_cast<double>(width_) / static_cast<double>(height_);
    const auto most = static_cast<double>(max_cells);
    columns_ = static_cast<std::uint64_t>(std::clamp(std::round(std::sqrt(most * ratio)), 1.0, most));
    rows_ = std::max<std::uint64_t>(1, max_cells / columns_);
  }

  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(columns_ * rows_); }

  // The cell of a spot in the box. A pole is in the column of its longitude, which has no meaning.
  [[nodiscard]] std::size_t cell_of(Spot spot) const {
    const std::uint64_t column = std::min(east_of_west(spot) * columns_ / width_, columns_ - 1);
    const std::uint64_t row = std::min((std::uint64_t{spot.y} - south_) * rows_ / height_, rows_ - 1);
    return static_cast<std::size_t>(row * columns_ + column);
  }
  // Whether all spots of a range inside the box are in one cell.
  [[nodiscard]] bool is_in_one(const SpotRange& range) const {
    return east_of_west(range.low) <= east_of_west(range.high) && cell_of(range.low) == cell_of(range.high);
  }
  [[nodiscard]] protocol::Point centre_of(std::size_t cell) const {
    const std::uint64_t column = cell % columns_;
    const std::uint64_t row = cell / columns_;
    const std::uint64_t east = (2 * column + 1) * width_ / (2 * columns_);
    const std::uint64_t north = (2 * row + 1) * height_ / (2 * rows_);
    return {static_cast<std::int32_t>(std::int64_t{south_} + static_cast<std::int64_t>(north) - protocol::kMaxLatitude),
            static_cast<std::int32_t>(static_cast<std::int64_t>((west_ + east) % kTurn) - protocol::kMaxLongitude)};
  }

 private:
  // In units, from 1 to kTurn.
  static std::uint64_t width_of(const protocol::Box& box) {
    const std::int64_t width = std::int64_t{box.north_east.longitude} - box.south_west.longitude;
    return std::min(static_cast<std::uint64_t>(width < 0 ? width + std::int64_t{kTurn} : width) + 1,
                    std::uint64_t{kTurn});
  }
  [[nodiscard]] std::uint64_t east_of_west(Spot spot) const {
    return spot.x >= west_ ? spot.x - west_ : std::uint64_t{spot.x} + kTurn - west_;
  }

  std::uint32_t west_;
  std::uint32_t south_;
  std::uint64_t width_;
  std::uint64_t height_;
  std::uint64_t columns_ = 1;
  std::uint64_t rows_ = 1;
};

}  // namespace

class MapSearch::Work final : public CurveVisitor {
 public:
  Work(const AreaTree& tree, const protocol::Box& box, const Limits& limits, Accepts accepts)
      : tree_(tree),
        filter_(box),
        grid_(box, limits.max_cells),
        most_(limits.clients),
        accepts_(std::move(accepts)),
        walk_(tree, {}),
        counts_(grid_.size()) {}

  bool run(Slice& slice) {
    Pace pace(slice);
    return walk_.run(pace, *this);
  }
  [[nodiscard]] bool are_few() const { return are_few_; }
  [[nodiscard]] const std::vector<bus::RecordIndex>& clients() const { return clients_; }
  [[nodiscard]] std::vector<CellCount> cells() const;

  bool enters(NodeId node, const Cell& place, bool whole) override;
  bool visit(const AreaNodes::Entries& entries, Pace& pace) override;

 private:
  [[nodiscard]] SpotRange range_of_node(NodeId node, const Cell& place) const;
  void add(Spot spot, bus::RecordIndex record);

  const AreaTree& tree_;
  const BoxFilter filter_;
  const Grid grid_;
  const std::size_t most_;
  const Accepts accepts_;
  CurveWalk walk_;
  std::vector<std::uint32_t> counts_;  // by cell
  std::vector<bus::RecordIndex> clients_;
  std::vector<bool> known_;  // by record: it is in clients_; one that moves between two slices is met twice
  bool are_few_ = true;
};

std::vector<CellCount> MapSearch::Work::cells() const {
  std::vector<CellCount> cells;
  for (std::size_t cell = 0; cell < counts_.size(); ++cell) {
    if (counts_[cell] > 0) cells.push_back({grid_.centre_of(cell), counts_[cell]});
  }
  return cells;
}

// Where the node's clients can be; exact for a crowd.
SpotRange MapSearch::Work::range_of_node(NodeId node, const Cell& place) const {
  const AreaNodes& nodes = tree_.nodes();
  if (!is_leaf(node)) return range_of(nodes.cell(node));
  const AreaNodes::Leaf& leaf = nodes.leaf(node);
  if (!leaf.is_crowd()) return range_of(place);
  const Spot spot = nodes.crowd(leaf).spot();
  return {spot, spot};
}

// As soon as there are many, a node inside one cell is counted without a look at its clients.
bool MapSearch::Work::enters(NodeId node, const Cell& place, bool whole) {
  const SpotRange range = range_of_node(node, place);
  const Inside inside = filter_.contained(range);
  if (inside != Inside::All || !whole || accepts_ || are_few_ || !grid_.is_in_one(range)) return inside != Inside::None;
  counts_[grid_.cell_of(range.low)] += static_cast<std::uint32_t>(tree_.nodes().count(node));
  return false;
}

bool MapSearch::Work::visit(const AreaNodes::Entries& entries, Pace& pace) {
  for (std::size_t i = 0; i < entries.count; ++i) {
    const Spot spot{entries.x[i], entries.y[i]};
    if (!filter_.contains(spot)) continue;
    if (accepts_) {
      (void)pace.spend(Pace::kExact);
      if (!accepts_(entries.record[i])) continue;
    }
    add(spot, entries.record[i]);
  }
  (void)pace.spend(static_cast<int>(4 * entries.count));
  return true;
}

void MapSearch::Work::add(Spot spot, bus::RecordIndex record) {
  if (are_few_) {
    if (record >= known_.size()) known_.resize(std::max<std::size_t>(record + 1, tree_.store().size()));
    if (known_[record]) return;
    known_[record] = true;
    clients_.push_back(record);
  }
  ++counts_[grid_.cell_of(spot)];
  if (are_few_ && clients_.size() > most_) {
    are_few_ = false;
    std::vector<bus::RecordIndex>().swap(clients_);  // an assignment would keep the memory
    std::vector<bool>().swap(known_);
  }
}

MapSearch::MapSearch(const AreaTree& tree, const protocol::Box& box, const Limits& limits, Accepts accepts)
    : work_(std::make_unique<Work>(tree, box, limits, std::move(accepts))) {}
MapSearch::~MapSearch() = default;
MapSearch::MapSearch(MapSearch&&) noexcept = default;
MapSearch& MapSearch::operator=(MapSearch&&) noexcept = default;

bool MapSearch::run(Slice& slice) {
  return work_->run(slice);
}

bool MapSearch::are_few() const {
  return work_->are_few();
}

const std::vector<bus::RecordIndex>& MapSearch::clients() const {
  return work_->clients();
}

std::vector<CellCount> MapSearch::cells() const {
  return work_->cells();
}

}  // namespace herd::node::area
