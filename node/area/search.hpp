// What the searches of this folder have in common.
//
// A search works in slices: run() continues until the answer is complete or the slice is over. The tree may change
// between two slices, so a search keeps no reference into it, only its position on the curve (node/area/chart.hpp). The
// promise is: a client that does not move while the search runs is judged exactly once. One that moves may be judged at
// its old point, at its new point, or not at all; it is never in an answer twice. The tree and the store must not
// change while run() is on the stack, and both must exist as long as the search. Loop thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "bus/store/feed.hpp"
#include "node/area/chart.hpp"
#include "protocol/query.hpp"

namespace herd::node::area {

// Whether a client may be in the answer; empty: every client. Called only for clients inside, at most once for each
// that does not move, more often if a search that ranks by distance needs more than one slice. Must not change the
// tree.
using Accepts = std::function<bool(bus::RecordIndex)>;

// A circle. A point is inside if its distance, in whole millimetres, is at most the radius.
struct Disc {
  protocol::Point centre;
  protocol::Millimetres radius = 0;
};

struct Found {
  bus::RecordIndex record = 0;
  protocol::Millimetres distance = 0;  // of its point from the centre when it was judged
  bool operator==(const Found&) const = default;
};

// A position in the order of NearSearch. Need not be that of a client that exists.
struct NearPlace {
  protocol::Millimetres distance = 0;
  std::string client;
};

// A position in the order of WithinSearch: curve_key() of a point, and at one point the ids by their bytes. Any values
// are allowed, also those that no point has.
struct WithinPlace {
  CurveKey key;
  std::string client;
};

}  // namespace herd::node::area
