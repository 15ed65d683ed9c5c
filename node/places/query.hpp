// What a client's WHATSAT asks of the places, and how one question is told from another. Plain values.
#pragma once

#include <cstdint>

namespace herd::node::places {

struct Query {
  double latitude = 0;   // degrees, in [-90, 90]
  double longitude = 0;  // degrees, in [-180, 180]
  double radius_km = 0;  // in [0, 50]
  int max = 0;           // in [0, 20]
};

// Names one question of one asker, who gives them out rising from 1.
using Ticket = std::uint64_t;

}  // namespace herd::node::places
