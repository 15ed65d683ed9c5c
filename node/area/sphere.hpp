// Distances and bearings between points, on a sphere. The results are equal to the bit on every machine: they come from
// + - * / and square roots of doubles alone, which IEEE 754 defines exactly, and from no function of a library. Pure;
// any thread.
#pragma once

#include <string>

#include "protocol/point.hpp"
#include "protocol/query.hpp"

namespace herd::node::area {

// The mean radius of the earth, 6371.0088 km (Moritz, Geodetic Reference System 1980).
inline constexpr protocol::Millimetres kEarthRadius = 6'371'008'800;

// Where a point is, seen from a centre.
struct Polar {
  // Along the great circle, rounded half up to whole millimetres; in [0, 20015114442]. The error is below 0.01 mm
  // before the rounding, also near the antipode. At a pole the longitude has no effect.
  protocol::Millimetres distance = 0;
  // The initial bearing of the great circle, clockwise from north, rounded half up to whole degrees; in [0, 359]. 0 if
  // the distance is 0, and from a point to its antipode. Else 180 from the north pole, and 0 from the south pole.
  unsigned bearing = 0;
  bool operator==(const Polar&) const = default;
};

// Many points seen from one centre. Gives the same results as distance() and polar(), but computes the centre's sine
// and cosine once.
class FromCentre {
 public:
  explicit FromCentre(protocol::Point centre);

  [[nodiscard]] protocol::Millimetres distance(protocol::Point point) const;
  [[nodiscard]] Polar polar(protocol::Point point) const;

 private:
  protocol::Point centre_;
  double cosine_;  // of the centre's latitude
  double sine_;    // of the same
};

// Of two points. distance(a, b) == distance(b, a).
[[nodiscard]] protocol::Millimetres distance(protocol::Point a, protocol::Point b);
[[nodiscard]] Polar polar(protocol::Point centre, protocol::Point point);

// Appends a distance in kilometres with three decimals, rounded half up: `12.345`. `distance` must not be negative.
void append_km(std::string& out, protocol::Millimetres distance);

// Appends a bearing of at most 359 as three digits: `007`.
void append_bearing(std::string& out, unsigned bearing);

}  // namespace herd::node::area
