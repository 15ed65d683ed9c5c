// A places query, made from a client's WHATSAT, and the ticket that identifies it. Plain values.
#pragma once

#include <cstdint>

namespace herd::node::places {

struct Query {
  double latitude = 0;   // degrees, in [-90, 90]
  double longitude = 0;  // degrees, in [-180, 180]
  double radius_km = 0;  // in [0, 50]
  int max = 0;           // most places in the answer, in [0, 20]
};

// Identifies one query of one places::Client, which numbers its queries from 1.
using Ticket = std::uint64_t;

}  // namespace herd::node::places
