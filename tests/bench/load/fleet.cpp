#include "tests/bench/load/fleet.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numbers>

namespace herd::bench {
namespace {

constexpr double kMillionthsPerKm = 1e6 / 111.195;
constexpr double kCityKm = 10;
constexpr std::int32_t kGreatestLatitude = 85'000'000;
constexpr std::int32_t kHalfTurn = 180'000'000;
constexpr double kGreatestCityLatitude = 70;  // so that no box around a city crosses 85 degrees

std::int32_t wrapped(double longitude) {
  if (longitude >= kHalfTurn) longitude -= 2.0 * kHalfTurn;
  if (longitude < -kHalfTurn) longitude += 2.0 * kHalfTurn;
  return static_cast<std::int32_t>(longitude);
}

std::int32_t bounded(double latitude) {
  return static_cast<std::int32_t>(std::clamp<double>(latitude, -kGreatestLatitude, kGreatestLatitude));
}

}  // namespace

Fleet::Fleet(std::uint32_t clients, std::uint32_t cities, std::uint32_t in_cities) {
  for (std::size_t degree = 0; degree < widening_.size(); ++degree) {
    const double middle = std::min(static_cast<double>(degree) + 0.5, 89.5);
    widening_[degree] = static_cast<float>(1 / std::cos(middle * std::numbers::pi / 180));
  }
  for (Step& step : steps_) {
    const double metres = 30 * fraction() * (1 + 9 * fraction());
    const double direction = 2 * std::numbers::pi * fraction();
    step = {static_cast<std::int32_t>(std::lround(metres / 1000 * kMillionthsPerKm * std::cos(direction))),
            static_cast<std::int32_t>(std::lround(metres / 1000 * kMillionthsPerKm * std::sin(direction)))};
  }
  for (std::uint32_t i = 0; i < cities; ++i) cities_.push_back(anywhere(kGreatestCityLatitude));
  positions_.reserve(clients);
  for (std::uint32_t i = 0; i < clients; ++i) {
    positions_.push_back(i < in_cities ? around(cities_[i % cities]) : anywhere(90));
  }
}

Position Fleet::move(std::uint32_t client) {
  Position& position = positions_[client];
  const Step step = steps_[random() % steps_.size()];
  const auto degree = static_cast<std::size_t>(std::abs(position.latitude) / 1'000'000);
  position = {bounded(position.latitude + step.north),
              wrapped(position.longitude + static_cast<double>(step.east) * widening_[degree])};
  return position;
}

Position Fleet::point_in_city() {
  return around(cities_[random() % cities_.size()]);
}

// PCG, https://www.pcg-random.org: the same numbers on every machine.
std::uint32_t Fleet::random() {
  const std::uint64_t old = state_;
  state_ = old * 6364136223846793005U + 1442695040888963407U;
  const auto shifted = static_cast<std::uint32_t>(((old >> 18U) ^ old) >> 27U);
  const auto turn = static_cast<std::uint32_t>(old >> 59U);
  return (shifted >> turn) | (shifted << ((32U - turn) % 32U));
}

double Fleet::fraction() {
  return random() / 4294967296.0;
}

// Two normally distributed numbers by the method of Box and Muller.
Position Fleet::around(Position centre) {
  const double distance = kCityKm * kMillionthsPerKm * std::sqrt(-2 * std::log(1 - fraction()));
  const double direction = 2 * std::numbers::pi * fraction();
  const double widening = 1 / std::cos(centre.latitude * 1e-6 * std::numbers::pi / 180);
  return {bounded(centre.latitude + distance * std::cos(direction)),
          wrapped(centre.longitude + distance * std::sin(direction) * widening)};
}

// Evenly on the sphere.
Position Fleet::anywhere(double greatest_latitude) {
  const double greatest = std::sin(std::min(greatest_latitude, kGreatestLatitude * 1e-6) * std::numbers::pi / 180);
  const double latitude = std::asin(greatest * (2 * fraction() - 1)) * 180 / std::numbers::pi;
  return {bounded(latitude * 1e6), wrapped(kHalfTurn * (2 * fraction() - 1))};
}

}  // namespace herd::bench
