#include "tests/model/terrain.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

namespace herd::model {

namespace {

constexpr std::int64_t kDegree = 10'000'000;
constexpr std::int64_t kPole = 90 * kDegree;
constexpr std::int64_t kHalfTurn = 180 * kDegree;

std::string km_text(std::int64_t millimetres) {
  std::string fraction = std::to_string(1'000'000 + millimetres % 1'000'000);
  fraction[0] = '.';
  return std::to_string(millimetres / 1'000'000) + fraction;
}

}  // namespace

Terrain::Terrain(sim::Random& random) : random_(random) {
  constexpr std::array<std::int64_t, 5> kSpreads{3, 2'000, 180'000, 5'000'000, 400'000'000};
  spread_ = kSpreads.at(random_.below(kSpreads.size()));
  Units base = anywhere();
  switch (random_.below(8)) {
    case 0:
      base.longitude = random_.chance(0.5) ? kHalfTurn : -kHalfTurn;
      break;
    case 1:
      base.latitude = kPole;
      break;
    case 2:
      base.latitude = -kPole;
      break;
    case 3:
      base = {0, 0};
      break;
    case 4:
      base.latitude = random_.chance(0.5) ? 85 * kDegree : -85 * kDegree;
      break;
    default:
      break;
  }
  bases_.push_back(base);
  while (bases_.size() < 4) bases_.push_back(close_to(base));
  if (random_.chance(0.2)) {
    bases_.push_back(legal({-base.latitude, base.longitude + kHalfTurn}));  // the antipode
  }
}

Terrain::Units Terrain::anywhere() {
  return {random_.between(-kPole, kPole), random_.between(-kHalfTurn, kHalfTurn)};
}

// Over a pole and over the antimeridian, back into the ranges.
Terrain::Units Terrain::legal(Units units) {
  if (units.latitude > kPole) units = {2 * kPole - units.latitude, units.longitude + kHalfTurn};
  if (units.latitude < -kPole) units = {-2 * kPole - units.latitude, units.longitude + kHalfTurn};
  while (units.longitude > kHalfTurn) units.longitude -= 2 * kHalfTurn;
  while (units.longitude < -kHalfTurn) units.longitude += 2 * kHalfTurn;
  return units;
}

Terrain::Units Terrain::close_to(const Units& base) {
  Units units{base.latitude + random_.between(-spread_, spread_), base.longitude + random_.between(-spread_, spread_)};
  // At a pole a small distance may be any longitude.
  if (std::abs(base.latitude) > kPole - spread_ && random_.chance(0.7)) units.longitude = anywhere().longitude;
  return legal(units);
}

std::string Terrain::number_text(std::int64_t units, bool may_round_up) {
  const bool negative = units < 0 || (units == 0 && random_.chance(0.3));
  std::int64_t size = std::abs(units);
  std::string tail;
  if (random_.chance(0.3)) {
    // More digits, which are rounded away.
    const bool up = may_round_up && size > 0 && random_.chance(0.5);
    if (up) --size;
    tail += static_cast<char>((up ? '5' : '0') + random_.below(5));
    while (tail.size() < 1 + random_.below(20)) tail += static_cast<char>('0' + random_.below(10));
  }
  std::string fraction = std::to_string(kDegree + size % kDegree).substr(1) + tail;
  if (random_.chance(0.7)) {
    while (!fraction.empty() && fraction.back() == '0') fraction.pop_back();
  }
  return (negative ? "-" : "+") + std::to_string(size / kDegree) + (fraction.empty() ? "" : '.' + fraction);
}

std::string Terrain::text_of(const Units& units) {
  const auto number = [&](std::int64_t value, std::int64_t most) {
    if (std::abs(value) < most) return number_text(value, true);
    return std::string(value < 0 ? "-" : "+") + std::to_string(most / kDegree);  // no digit may exceed the range
  };
  const std::string latitude = number(units.latitude, kPole);
  return latitude + number(units.longitude, kHalfTurn) + (random_.chance(0.1) ? "/" : "");
}

std::string Terrain::coordinates() {
  Units units = close_to(bases_[random_.below(bases_.size())]);
  if (random_.chance(0.3)) units = bases_[random_.below(bases_.size())];
  if (!used_.empty() && random_.chance(0.3)) {
    units = used_[random_.below(used_.size())];
    if (random_.chance(0.6))
      units = legal({units.latitude + random_.between(-1, 1), units.longitude + random_.between(-1, 1)});
  }
  if (random_.chance(0.02)) units = anywhere();
  if (used_.size() < 64) {
    used_.push_back(units);
  } else {
    used_[random_.below(used_.size())] = units;
  }
  return text_of(units);
}

std::string Terrain::spot() {
  if (!used_.empty() && random_.chance(0.3)) return text_of(used_[random_.below(used_.size())]);
  return text_of(random_.chance(0.5) ? bases_[random_.below(bases_.size())] : close_to(bases_[0]));
}

std::string Terrain::km() {
  if (random_.chance(0.05)) return "0";
  if (random_.chance(0.03)) return "20016";
  if (used_.size() > 1 && random_.chance(0.6)) {
    const auto point = [&] { return point_of(text_of(used_[random_.below(used_.size())])); };
    const Range range = distance(point(), random_.chance(0.5) ? point() : point_of(text_of(bases_[0])));
    return km_text(std::max<std::int64_t>(0, range.low + random_.between(-1, 1)));
  }
  return km_text(random_.between(0, spread_ * 12));  // a unit is 11.1 mm
}

std::pair<std::string, std::string> Terrain::box() {
  const auto corner = [&] {
    return !used_.empty() && random_.chance(0.5) ? used_[random_.below(used_.size())]
                                                 : close_to(bases_[random_.below(bases_.size())]);
  };
  Units south_west = corner();
  Units north_east = corner();
  if (south_west.latitude > north_east.latitude) std::swap(south_west.latitude, north_east.latitude);
  // A box from east to west goes round the globe; have few of them.
  if (south_west.longitude > north_east.longitude && random_.chance(0.5)) {
    std::swap(south_west.longitude, north_east.longitude);
  }
  return {text_of(south_west), text_of(north_east)};
}

std::string Terrain::describe() const {
  return "base " + std::to_string(bases_[0].latitude) + ' ' + std::to_string(bases_[0].longitude) + ", spread " +
         std::to_string(spread_) + " units";
}

}  // namespace herd::model
