#include "node/watches/watched_area.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "node/area/area_filter.hpp"
#include "node/area/sphere.hpp"
#include "node/watches/mutants.hpp"

namespace herd::node::watches {
namespace {

using protocol::kMaxLatitude;
using protocol::kMaxLongitude;
using protocol::Point;

constexpr double kUnitsPerRadian = kMaxLongitude / std::numbers::pi;
constexpr std::int64_t kMargin = 100;  // units: for the errors of the functions here and of distance(), together

std::optional<Bounds> box_bounds(const protocol::Box& box) {
  const Point low = box.south_west;
  const Point high = box.north_east;
  if (low.latitude == -kMaxLatitude || high.latitude == kMaxLatitude) return std::nullopt;
  const bool is_everywhere = low.longitude == -kMaxLongitude && high.longitude == kMaxLongitude;
  if (is_everywhere) return std::nullopt;
  return Bounds{area::spot_of(low).x, area::spot_of(high).x, area::spot_of(low).y, area::spot_of(high).y};
}

// The meridians that touch the circle are asin(sin(angle) / cos(latitude)) from its centre.
std::optional<Bounds> circle_bounds(Point centre, protocol::Millimetres radius) {
  const double angle = static_cast<double>(radius + 1) / static_cast<double>(area::kEarthRadius);
  const auto height = static_cast<std::int64_t>(angle * kUnitsPerRadian) + kMargin;
  if (std::abs(std::int64_t{centre.latitude}) + height >= kMaxLatitude) return std::nullopt;
  const double ratio = std::sin(angle) / std::cos(centre.latitude / kUnitsPerRadian);
  if (ratio > 0.99) return std::nullopt;
  const auto width = static_cast<std::int64_t>(std::asin(ratio) * kUnitsPerRadian * (1 + 1e-9)) + kMargin;
  const area::Spot at = area::spot_of(centre);
  const auto turned = [](std::int64_t x) {
    return static_cast<std::uint32_t>((x + area::kTurn) % std::int64_t{area::kTurn});
  };
  return Bounds{turned(at.x - width), turned(at.x + width), static_cast<std::uint32_t>(at.y - height),
                static_cast<std::uint32_t>(at.y + height)};
}

}  // namespace

bool WatchedArea::contains(Point point, bool is_member) const {
  const auto* circle = std::get_if<Circle>(&shape_);
  if (circle == nullptr) return area::BoxFilter(box()).contains(area::spot_of(point));
  const bool has_slack = (is_member && !mutated(Mutant::SlackIgnored)) || mutated(Mutant::SlackForAll);
  return area::distance(circle->centre, point) <= circle->radius + (has_slack ? circle->slack : 0);
}

std::optional<Bounds> WatchedArea::bounds() const {
  const auto* circle = std::get_if<Circle>(&shape_);
  return circle == nullptr ? box_bounds(box()) : circle_bounds(circle->centre, circle->radius + circle->slack);
}

}  // namespace herd::node::watches
