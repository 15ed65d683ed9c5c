// The circle or box of a watch, and the bounds by which the grid of cells finds it. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>

#include "node/area/chart.hpp"
#include "protocol/point.hpp"
#include "protocol/query.hpp"

namespace herd::node::watches {

// Longitudes from `west` to `east`, eastwards, and latitudes from `south` to `north`, all included, as in a Spot
// (node/area/chart.hpp). If `west` is greater than `east`, they cross the antimeridian.
struct Bounds {
  std::uint32_t west = 0;
  std::uint32_t east = 0;
  std::uint32_t south = 0;
  std::uint32_t north = 0;
};

class WatchedArea {
 public:
  // A circle; a client that is inside stays inside up to radius + slack.
  WatchedArea(protocol::Point centre, protocol::Millimetres radius, protocol::Millimetres slack)
      : shape_(Circle{centre, radius, slack}) {}
  explicit WatchedArea(const protocol::Box& box) : shape_(box) {}

  // Whether a client at `point` is inside; `is_member`: it was inside before.
  [[nodiscard]] bool contains(protocol::Point point, bool is_member) const;

  [[nodiscard]] bool is_circle() const { return std::holds_alternative<Circle>(shape_); }
  // Only of circles.
  [[nodiscard]] protocol::Point centre() const { return circle().centre; }
  void set_centre(protocol::Point centre) { std::get<Circle>(shape_).centre = centre; }
  [[nodiscard]] protocol::Millimetres radius() const { return circle().radius; }
  [[nodiscard]] protocol::Millimetres slack() const { return circle().slack; }
  // Only of boxes.
  [[nodiscard]] const protocol::Box& box() const { return std::get<protocol::Box>(shape_); }

  // Bounds of all points that are inside with is_member, a little too wide; nullopt if they are about a pole, or far
  // around the globe.
  [[nodiscard]] std::optional<Bounds> bounds() const;

 private:
  struct Circle {
    protocol::Point centre;
    protocol::Millimetres radius = 0;
    protocol::Millimetres slack = 0;
  };

  [[nodiscard]] const Circle& circle() const { return std::get<Circle>(shape_); }

  std::variant<Circle, protocol::Box> shape_;
};

}  // namespace herd::node::watches
