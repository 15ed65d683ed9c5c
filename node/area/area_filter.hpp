// Which points are inside a circle or a box. Pure.
#pragma once

#include <array>
#include <cstdint>

#include "node/area/chart.hpp"
#include "node/area/haversine.hpp"
#include "node/area/search.hpp"
#include "node/area/sphere.hpp"
#include "protocol/query.hpp"

namespace herd::node::area {

// How many of the points of a range are inside. Partly may also be returned for all or for none.
enum class Inside : std::uint8_t { None, Partly, All };

class DiscFilter {
 public:
  explicit DiscFilter(const Disc& disc);
  [[nodiscard]] bool contains(Spot spot) const;
  [[nodiscard]] Inside contained(const SpotRange& range) const;

 private:
  FromCentre from_centre_;
  protocol::Millimetres radius_;
  Haversine haversine_;
  double at_most_;        // no point inside has a greater h
  double surely_within_;  // each point with no greater h is inside
};

class BoxFilter {
 public:
  explicit BoxFilter(const protocol::Box& box);
  [[nodiscard]] bool contains(Spot spot) const { return contained({spot, spot}) == Inside::All; }
  // Exact for one spot.
  [[nodiscard]] Inside contained(const SpotRange& range) const;

 private:
  struct Longitudes {
    std::uint32_t low = 0;
    std::uint32_t high = 0;
  };

  std::uint32_t south_;
  std::uint32_t north_;
  std::array<Longitudes, 2> longitudes_;  // the box is in one of these; they may be equal, and do not overlap otherwise
};

}  // namespace herd::node::area
