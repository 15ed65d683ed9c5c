#include "node/area/haversine.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "node/area/sphere.hpp"

namespace herd::node::area {

namespace {

constexpr double kRadius = static_cast<double>(kEarthRadius);
constexpr double kUnit = std::numbers::pi / 180 / 10'000'000;  // of a Spot, in radians
constexpr std::uint32_t kHalfTurn = kTurn / 2;

// The sine of an angle in [0, pi/2]: the Taylor series, with a relative error below 6e-8.
double sine(double a) {
  const double t = a * a;
  return a * (1 + t * (-1.0 / 6 + t * (1.0 / 120 + t * (-1.0 / 5040 + t * (1.0 / 362'880 - t * (1.0 / 39'916'800))))));
}

double square(double value) {
  return value * value;
}

// sin(a/2)^2 of an angle in units, at most half a turn.
double half_sine_square(std::uint32_t units) {
  return square(sine(static_cast<double>(static_cast<std::int32_t>(units)) * (kUnit / 2)));
}

std::uint32_t difference(std::uint32_t a, std::uint32_t b) {
  return a > b ? a - b : b - a;
}

// The angle between two meridians.
std::uint32_t between(std::uint32_t a, std::uint32_t b) {
  const std::uint32_t around = difference(a, b);
  return std::min(around, kTurn - around);
}

double cosine_at(std::uint32_t y) {
  return sine(static_cast<double>(static_cast<std::int32_t>(std::min(y, kNorthPole - y))) * kUnit);
}

}  // namespace

Haversine::Haversine(Spot centre) : centre_(centre), cosine_(cosine_at(centre.y)) {}

double Haversine::to(Spot spot) const {
  return half_sine_square(difference(spot.y, centre_.y)) +
         cosine_ * cosine_at(spot.y) * half_sine_square(between(spot.x, centre_.x));
}

void Haversine::to_all(const std::uint32_t* x, const std::uint32_t* y, std::size_t count, double* h) const {
  for (std::size_t i = 0; i < count; ++i) h[i] = to({x[i], y[i]});
}

// Each of the two terms is least at another point of the range, perhaps.
double Haversine::least(const SpotRange& range, double enough) const {
  const std::uint32_t above = range.low.y > centre_.y ? range.low.y - centre_.y : 0;
  const std::uint32_t below = centre_.y > range.high.y ? centre_.y - range.high.y : 0;
  double h = half_sine_square(above + below);
  if (h * (1 - kError) > enough) return h * (1 - kError);
  if (centre_.x < range.low.x || centre_.x > range.high.x) {
    const std::uint32_t x = std::min(between(centre_.x, range.low.x), between(centre_.x, range.high.x));
    h += cosine_ * std::min(cosine_at(range.low.y), cosine_at(range.high.y)) * half_sine_square(x);
  }
  return h * (1 - kError);
}

double Haversine::greatest(const SpotRange& range) const {
  const std::uint32_t y = std::max(difference(centre_.y, range.low.y), difference(centre_.y, range.high.y));
  const std::uint32_t opposite = centre_.x < kHalfTurn ? centre_.x + kHalfTurn : centre_.x - kHalfTurn;
  const bool is_opposite = range.low.x <= opposite && opposite <= range.high.x;
  const std::uint32_t x =
      is_opposite ? kHalfTurn : std::max(between(centre_.x, range.low.x), between(centre_.x, range.high.x));
  const bool has_equator = range.low.y <= kNorthPole / 2 && kNorthPole / 2 <= range.high.y;
  const double cosine = has_equator ? 1 : std::max(cosine_at(range.low.y), cosine_at(range.high.y));
  return (half_sine_square(y) + cosine_ * cosine * half_sine_square(x)) * (1 + kError);
}

// A distance is rounded to whole millimetres with a small error, so one millimetre more is enough.
double Haversine::at_most(protocol::Millimetres distance) {
  const double half = (static_cast<double>(distance) + 1) / (2 * kRadius);
  return half >= std::numbers::pi / 2 ? kAll : square(std::sin(half)) * (1 + 2 * kError);
}

double Haversine::surely_within(protocol::Millimetres distance) {
  const double half = (static_cast<double>(distance) - 1) / (2 * kRadius);
  if (half <= 0) return -1;
  return half >= std::numbers::pi / 2 ? kAll : square(std::sin(half)) * (1 - 2 * kError);
}

protocol::Millimetres Haversine::farthest(double h) {
  const double half = std::asin(std::sqrt(std::min(1.0, h * (1 + 2 * kError))));
  return static_cast<protocol::Millimetres>(half * 2 * kRadius) + 2;
}

}  // namespace herd::node::area
