// Whether a point is inside a box. Pure; any thread.
#pragma once

#include "protocol/point.hpp"
#include "protocol/query.hpp"

namespace herd::node::area {

// The edges belong to the box. A west above its east crosses the antimeridian; +180 and -180 degrees are one meridian.
// A point at a pole is inside every box that reaches the pole.
[[nodiscard]] bool contains(const protocol::Box& box, protocol::Point point);

}  // namespace herd::node::area
