// The globe cut into 59 charts, and the curve through all points of all charts.
//
// A chart is a band of latitudes in which a degree of longitude has about one length, so that squares of its plane are
// about squares on the ground: the belt up to 60 degrees north and south, then at each pole rings that begin at 30, 15,
// 7.5 ... degrees from it, each half as wide as the one before. The last ring of a pole is the pole itself. Without the
// rings, all clients near a pole would be spread over every longitude, and a query there would have to read them all.
//
// The plane of a chart has two coordinates of 32 bits: x is the longitude, and v the latitude from the chart's edge,
// scaled so that a step of v is about as long on the ground as a step of x. All of it is integer arithmetic: a point
// has the same place on the curve on every machine. The curve visits the charts by number, and in a chart the points by
// their interleaved bits of v and x (v first), which is the order of a quadtree. Different judged points have different
// keys. Pure; any thread.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>

#include "protocol/point.hpp"

namespace herd::node::area {

// A point in the one form that all equal points have: at a pole the longitude is -180 degrees, and +180 is -180.
struct Spot {
  std::uint32_t x = 0;  // longitude + 180 degrees, in units of 1e-7 degrees; [0, 3600000000)
  std::uint32_t y = 0;  // latitude + 90 degrees; [0, 1800000000]
  bool operator==(const Spot&) const = default;
};

[[nodiscard]] Spot spot_of(protocol::Point point);
[[nodiscard]] protocol::Point point_of(Spot spot);

using Chart = std::uint8_t;
inline constexpr std::size_t kRings = 29;               // of each pole
inline constexpr std::size_t kCharts = 1 + 2 * kRings;  // 0: the belt; then the rings of the south, then of the north
inline constexpr std::uint32_t kTurn = 3'600'000'000;   // all longitudes
inline constexpr std::uint32_t kNorthPole = 1'800'000'000;

// A position in the plane of a chart.
struct ChartPoint {
  Chart chart = 0;
  std::uint32_t x = 0;
  std::uint32_t v = 0;
  bool operator==(const ChartPoint&) const = default;
};

[[nodiscard]] ChartPoint chart_point(Spot spot);

// Longitudes and latitudes from `low` to `high`, both included, of Spots. Does not cross the antimeridian.
struct SpotRange {
  Spot low;
  Spot high;
};

// The spots of a chart.
[[nodiscard]] SpotRange range_of(Chart chart);

// A square of a chart, a node of its quadtree: the points that agree with `corner` in the upper `level` bits of x and
// v. The lower bits of the corner are 0. Level 0 is the whole chart, 32 one point.
struct Cell {
  ChartPoint corner;
  std::uint8_t level = 0;

  [[nodiscard]] bool contains(ChartPoint at) const {
    return at.chart == corner.chart && (((at.x ^ corner.x) | (at.v ^ corner.v)) & upper_bits()) == 0;
  }
  // The bits of x and v that all its points have in common.
  [[nodiscard]] std::uint32_t upper_bits() const { return level == 0 ? 0 : ~std::uint32_t{0} << (32U - level); }
  // Which of its four quadrants contains `at`, in the order of the curve. Not for level 32.
  [[nodiscard]] unsigned quadrant_of(ChartPoint at) const {
    const unsigned shift = 31U - level;
    return (at.v >> shift & 1U) << 1U | (at.x >> shift & 1U);
  }
  [[nodiscard]] Cell quadrant(unsigned number) const;
  bool operator==(const Cell&) const = default;
};

// The smallest cell that contains both points, which must be of one chart.
[[nodiscard]] Cell common_cell(ChartPoint a, ChartPoint b);

// The spots that a cell can contain: exactly its points that exist, and at the edges of a chart possibly a few more.
[[nodiscard]] SpotRange range_of(const Cell& cell);

// A position on the curve.
struct CurveKey {
  Chart chart = 0;
  std::uint64_t interleaved = 0;
  auto operator<=>(const CurveKey&) const = default;
};

[[nodiscard]] CurveKey curve_key(ChartPoint at);
[[nodiscard]] inline CurveKey curve_key(protocol::Point point) {
  return curve_key(chart_point(spot_of(point)));
}
// The last key of a cell; its first is that of its corner.
[[nodiscard]] CurveKey last_key(const Cell& cell);

}  // namespace herd::node::area
