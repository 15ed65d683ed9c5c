#include "node/area/area_index.hpp"

#include <array>
#include <span>

#include "protocol/assert.hpp"

namespace herd::node::area {

AreaIndex::AreaIndex(const bus::Store& store) : store_(store) {}

void AreaIndex::start() {
  HERD_ASSERT(!is_active());
  tree_ = std::make_unique<AreaTree>(store_);
  cursor_ = 0;
}

void AreaIndex::drop() {
  tree_.reset();
}

void AreaIndex::follow(Slice& slice, const OnMoved& on_moved) {
  HERD_ASSERT(is_active());
  if (is_current()) return;
  bus::Feed::Reader reader = store_.feed().read_after(cursor_);
  std::array<bus::RecordIndex, kBatch> records;
  std::array<std::optional<protocol::Point>, kBatch> points;
  std::array<Moved, kBatch> moved;
  do {
    std::size_t count = 0;
    while (count < kBatch) {
      const auto change = reader.next();
      if (!change) break;
      store_.prefetch(change->index);
      moved[count] = {change->index, change->number, std::nullopt, std::nullopt};
      records[count++] = change->index;
    }
    for (std::size_t at = 0; at < count; ++at) points[at] = point_in_store(records[at]);
    tree_->prefetch(std::span(records).first(count), std::span(points).first(count));
    for (std::size_t at = 0; at < count; ++at) apply(moved[at], points[at]);
    if (on_moved && count > 0) on_moved(std::span(moved).first(count));
    if (count < kBatch) cursor_ = store_.feed().tail();  // which may be above the last change
  } while (!is_current() && !slice.is_over());
}

std::optional<protocol::Point> AreaIndex::point_in_store(bus::RecordIndex record) const {
  const bus::RecordCells::Cell cell = store_.packed_at(record);
  const auto point = bus::packed_point(cell.head, cell.body);
  return point ? std::optional(point_of(spot_of(*point))) : std::nullopt;
}

void AreaIndex::apply(Moved& moved, const std::optional<protocol::Point>& point) {
  moved.before = tree_->point_of(moved.record);
  moved.after = point;
  if (point) {
    tree_->put(moved.record, *point);
  } else {
    tree_->remove(moved.record);
  }
  cursor_ = moved.number;
}

}  // namespace herd::node::area
