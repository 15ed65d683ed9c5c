// Approximate distances from one point, to decide cheaply what a search need not judge exactly. The measure is
// h = sin(d/2)^2, d being the angle between two points: it rises with the distance, from 0 to 1, and needs no inverse
// function. All values have a relative error below kError, and bounds are on the safe side of it. Pure.
#pragma once

#include <cstddef>
#include <cstdint>

#include "node/area/chart.hpp"
#include "protocol/query.hpp"

namespace herd::node::area {

class Haversine {
 public:
  static constexpr double kError = 1e-6;
  static constexpr double kAll = 2;  // above every h

  explicit Haversine(Spot centre);

  [[nodiscard]] double to(Spot spot) const;
  // The same for `count` points.
  void to_all(const std::uint32_t* x, const std::uint32_t* y, std::size_t count, double* h) const;

  // Not above, or not below, h of any point of the range. Loose where a range is large by its distance.
  // least(): may be looser, and is faster, where it is above `enough`.
  [[nodiscard]] double least(const SpotRange& range, double enough = kAll) const;
  [[nodiscard]] double greatest(const SpotRange& range) const;

  // A point at this distance, in whole millimetres, or nearer, has an h of at most this.
  [[nodiscard]] static double at_most(protocol::Millimetres distance);
  // A point with an h of at most this has this distance or is nearer. Negative if that is true for none.
  [[nodiscard]] static double surely_within(protocol::Millimetres distance);
  // No point with an approximate value of at most `h` is farther than this.
  [[nodiscard]] static protocol::Millimetres farthest(double h);

 private:
  Spot centre_;
  double cosine_;  // of the centre's latitude
};

}  // namespace herd::node::area
