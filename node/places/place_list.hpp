// The places that a service has answered with, mapped to the one shape of results and ready to be shown. Kept whole,
// and filtered for each asker: a client is never shown a place outside its own radius. Pure: any thread.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "node/places/document.hpp"
#include "node/places/query.hpp"
#include "protocol/coordinates.hpp"

namespace herd::node::places {

struct ListedPlace {
  protocol::Position position;
  std::string json;                       // a result: one line, a complete object
  std::vector<std::string> attributions;  // HTML, to be shown with it
};

// In the order of the service, which is its own idea of importance.
using PlaceList = std::vector<ListedPlace>;

// One place with all its text. 20 of them fit a document (kMaxDocumentBytes); no honest one has a tenth of it.
inline constexpr std::size_t kMaxListedPlaceBytes = std::size_t{16} * 1024;

[[nodiscard]] std::size_t bytes_of(const ListedPlace& place);

// Along a sphere of 6371.0088 km, like the embedded places.
struct PositionPair {
  protocol::Position one;
  protocol::Position other;
};
[[nodiscard]] double distance_km(const PositionPair& pair);

struct Shown {
  Status status = Status::ZeroResults;
  std::string document;
};

// The first `query.max` of those not farther from the asker than `query.radius_km`.
[[nodiscard]] Shown show(const PlaceList& places, const Query& query);

}  // namespace herd::node::places
