#include "node/area/chart.hpp"

#include <algorithm>
#include <bit>

#include "protocol/assert.hpp"

namespace herd::node::area {

namespace {

constexpr std::uint32_t kFirstRing = 300'000'000;  // 30 degrees: where the rings of a pole begin
static_assert(kFirstRing >> (kRings - 1) == 1, "the last ring is the pole");

// A ring contains the distances to the pole from `inner` to below `outer`.
struct Ring {
  std::uint32_t inner = 0;
  std::uint32_t outer = 0;
};

constexpr Ring ring(unsigned number) {
  return {kFirstRing >> (number + 1), kFirstRing >> number};
}

// A degree of longitude is about 2^-shift of one of latitude there.
constexpr unsigned shift_of(unsigned number) {
  return number + 1;
}

constexpr unsigned ring_of(std::uint32_t distance) {
  unsigned number = 0;
  if (distance == 0) return kRings - 1;
  number = static_cast<unsigned>(std::bit_width(kFirstRing / distance)) - 1;
  while (distance < ring(number).inner) ++number;
  while (distance >= ring(number).outer) --number;
  return number;
}

constexpr bool is_north(Chart chart) {
  return chart > kRings;
}

constexpr unsigned ring_of_chart(Chart chart) {
  return (chart - 1U) % kRings;
}

// Puts the bits of `word` at the even positions.
constexpr std::uint64_t spread(std::uint64_t word) {
  word = (word | word << 16U) & 0x0000FFFF0000FFFF;
  word = (word | word << 8U) & 0x00FF00FF00FF00FF;
  word = (word | word << 4U) & 0x0F0F0F0F0F0F0F0F;
  word = (word | word << 2U) & 0x3333333333333333;
  return (word | word << 1U) & 0x5555555555555555;
}

// The latitudes of the distances to the pole of `chart` from `near` to `far`.
struct Latitudes {
  std::uint32_t low = 0;
  std::uint32_t high = 0;
};
constexpr Latitudes latitudes(Chart chart, std::uint32_t near, std::uint32_t far) {
  if (is_north(chart)) return {kNorthPole - far, kNorthPole - near};
  return {near, far};
}

}  // namespace

Spot spot_of(protocol::Point point) {
  const auto y = static_cast<std::uint32_t>(point.latitude + protocol::kMaxLatitude);
  if (y == 0 || y == kNorthPole || point.longitude == protocol::kMaxLongitude) {
    return {0, y};
  }
  return {static_cast<std::uint32_t>(std::int64_t{point.longitude} + protocol::kMaxLongitude), y};
}

protocol::Point point_of(Spot spot) {
  return {static_cast<std::int32_t>(std::int64_t{spot.y} - protocol::kMaxLatitude),
          static_cast<std::int32_t>(std::int64_t{spot.x} - protocol::kMaxLongitude)};
}

ChartPoint chart_point(Spot spot) {
  const bool north = spot.y > kNorthPole - kFirstRing;
  if (!north && spot.y >= kFirstRing) return {0, spot.x, spot.y - kFirstRing};
  const std::uint32_t distance = north ? kNorthPole - spot.y : spot.y;
  const unsigned number = ring_of(distance);
  return {static_cast<Chart>(1 + number + (north ? kRings : 0)), spot.x,
          (distance - ring(number).inner) << shift_of(number)};
}

SpotRange range_of(Chart chart) {
  if (chart == 0) return {{0, kFirstRing}, {kTurn - 1, kNorthPole - kFirstRing}};
  const Ring r = ring(ring_of_chart(chart));
  const Latitudes y = latitudes(chart, r.inner, r.outer - 1);
  return {{0, y.low}, {kTurn - 1, y.high}};
}

Cell Cell::quadrant(unsigned number) const {
  const std::uint32_t half = std::uint32_t{1} << (31U - level);
  return {{corner.chart, corner.x | (number & 1U) * half, corner.v | (number >> 1U) * half},
          static_cast<std::uint8_t>(level + 1)};
}

Cell common_cell(ChartPoint a, ChartPoint b) {
  const std::uint32_t differ = (a.x ^ b.x) | (a.v ^ b.v);
  Cell cell{a, static_cast<std::uint8_t>(std::countl_zero(differ))};
  cell.corner.x &= cell.upper_bits();
  cell.corner.v &= cell.upper_bits();
  return cell;
}

SpotRange range_of(const Cell& cell) {
  const Chart chart = cell.corner.chart;
  const SpotRange all = range_of(chart);
  const std::uint32_t last_x = std::min(cell.corner.x | ~cell.upper_bits(), kTurn - 1);
  const std::uint32_t last_v = cell.corner.v | ~cell.upper_bits();
  if (chart == 0) {
    return {{cell.corner.x, cell.corner.v + kFirstRing},
            {last_x, std::min(last_v, all.high.y - kFirstRing) + kFirstRing}};
  }
  const unsigned number = ring_of_chart(chart);
  const Ring r = ring(number);
  const std::uint32_t near = r.inner + (cell.corner.v >> shift_of(number));
  const std::uint32_t far = r.inner + std::min(last_v >> shift_of(number), r.outer - 1 - r.inner);
  const Latitudes y = latitudes(chart, near, far);
  return {{cell.corner.x, y.low}, {last_x, y.high}};
}

CurveKey curve_key(ChartPoint at) {
  return {at.chart, spread(at.v) << 1U | spread(at.x)};
}

CurveKey last_key(const Cell& cell) {
  const std::uint32_t rest = ~cell.upper_bits();
  return curve_key(ChartPoint{cell.corner.chart, cell.corner.x | rest, cell.corner.v | rest});
}

}  // namespace herd::node::area
