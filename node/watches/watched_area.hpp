// The circle or box of a watch, and the bounds by which the grid of cells finds it. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>

#include "node/area/chart.hpp"
#include "protocol/point.hpp"
#include "protocol/query.hpp"

namespace herd::node::watches {

// Longitudes from `west` to `east`, eastwards, and latitudes from `south` to `north`, all included, as in a Spot
// (node/area/chart.hpp). A west above its east crosses the antimeridian.
struct Bounds {
  std::uint32_t west = 0;
  std::uint32_t east = 0;
  std::uint32_t south = 0;
  std::uint32_t north = 0;

  [[nodiscard]] bool contains(area::Spot spot) const {
    const bool inside_x = west <= east ? spot.x >= west && spot.x <= east : spot.x >= west || spot.x <= east;
    return inside_x && spot.y >= south && spot.y <= north;
  }
};

class WatchedArea {
 public:
  // A circle; a client that is inside stays inside up to radius + slack.
  WatchedArea(protocol::Point centre, protocol::Millimetres radius, protocol::Millimetres slack)
      : corner_(centre), radius_(radius), slack_(slack), is_circle_(true) {}
  explicit WatchedArea(const protocol::Box& box) : corner_(box.south_west), opposite_(box.north_east) {}

  // Whether a client at `point` is inside; `is_member`: it was inside before.
  [[nodiscard]] bool contains(protocol::Point point, bool is_member) const;

  [[nodiscard]] bool is_circle() const { return is_circle_; }
  // Only of circles.
  [[nodiscard]] protocol::Point centre() const { return corner_; }
  void set_centre(protocol::Point centre) { corner_ = centre; }
  [[nodiscard]] protocol::Millimetres radius() const { return radius_; }
  [[nodiscard]] protocol::Millimetres slack() const { return slack_; }
  // Only of boxes.
  [[nodiscard]] protocol::Box box() const { return {corner_, opposite_}; }

  // Bounds of all points that are inside with is_member, a little too wide; nullopt if they are about a pole, or far
  // around the globe.
  [[nodiscard]] std::optional<Bounds> bounds() const;

 private:
  protocol::Point corner_;    // the centre, or the south-west
  protocol::Point opposite_;  // the north-east
  protocol::Millimetres radius_ = 0;
  protocol::Millimetres slack_ = 0;
  bool is_circle_ = false;
};

}  // namespace herd::node::watches
