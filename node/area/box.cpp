#include "node/area/box.hpp"

#include <cstdint>
#include <cstdlib>

namespace herd::node::area {
namespace {

bool is_between_edges(const protocol::Box& box, std::int32_t longitude) {
  const std::int32_t west = box.south_west.longitude;
  const std::int32_t east = box.north_east.longitude;
  return west <= east ? west <= longitude && longitude <= east : west <= longitude || longitude <= east;
}

}  // namespace

bool contains(const protocol::Box& box, protocol::Point point) {
  using protocol::kMaxLongitude;
  if (point.latitude < box.south_west.latitude || point.latitude > box.north_east.latitude) return false;
  if (std::abs(point.latitude) == protocol::kMaxLatitude) return true;
  if (std::abs(point.longitude) == kMaxLongitude) {
    return is_between_edges(box, kMaxLongitude) || is_between_edges(box, -kMaxLongitude);
  }
  return is_between_edges(box, point.longitude);
}

}  // namespace herd::node::area
