#include "node/area/area_filter.hpp"

#include <algorithm>

namespace herd::node::area {

DiscFilter::DiscFilter(const Disc& disc)
    : from_centre_(disc.centre),
      radius_(disc.radius),
      haversine_(spot_of(disc.centre)),
      at_most_(Haversine::at_most(disc.radius)),
      surely_within_(Haversine::surely_within(disc.radius)) {}

bool DiscFilter::contains(Spot spot) const {
  const double h = haversine_.to(spot);
  if (h > at_most_) return false;
  return h <= surely_within_ || from_centre_.distance(point_of(spot)) <= radius_;
}

Inside DiscFilter::contained(const SpotRange& range) const {
  if (haversine_.least(range) > at_most_) return Inside::None;
  return haversine_.greatest(range) <= surely_within_ ? Inside::All : Inside::Partly;
}

// A Spot has 0 for both forms of the antimeridian, so an edge of the box at +180 degrees means 0, too.
BoxFilter::BoxFilter(const protocol::Box& box) : south_(spot_of(box.south_west).y), north_(spot_of(box.north_east).y) {
  const auto x = [](std::int32_t longitude) {
    return static_cast<std::uint32_t>(std::int64_t{longitude} + protocol::kMaxLongitude);
  };
  const std::uint32_t west = x(box.south_west.longitude);
  const std::uint32_t east = x(box.north_east.longitude);
  if (west == kTurn) {  // from the antimeridian to the east
    longitudes_.fill({0, east == kTurn ? 0 : east});
  } else if (west > east) {
    longitudes_ = {{{west, kTurn - 1}, {0, east}}};
  } else if (east == kTurn && west > 0) {
    longitudes_ = {{{west, kTurn - 1}, {0, 0}}};
  } else {
    longitudes_.fill({west, std::min(east, kTurn - 1)});
  }
}

Inside BoxFilter::contained(const SpotRange& range) const {
  if (range.high.y < south_ || range.low.y > north_) return Inside::None;
  const bool latitudes_inside = south_ <= range.low.y && range.high.y <= north_;
  const bool is_pole = range.low.y == range.high.y && (range.low.y == 0 || range.low.y == kNorthPole);
  if (is_pole) return Inside::All;
  Inside inside = Inside::None;
  for (const Longitudes& part : longitudes_) {
    if (part.low <= range.low.x && range.high.x <= part.high) return latitudes_inside ? Inside::All : Inside::Partly;
    if (part.low <= range.high.x && range.low.x <= part.high) inside = Inside::Partly;
  }
  return inside;
}

}  // namespace herd::node::area
