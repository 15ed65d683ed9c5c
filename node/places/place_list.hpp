// The places in an answer of a web service, converted to the results of the document. The complete list is cached, and
// filtered for each query: a client never gets a place outside its own radius. Pure; any thread.
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
  std::string json;                       // one result: a complete JSON object on one line
  std::vector<std::string> attributions;  // HTML that must be shown with it
};

// In the order of the service, which ranks places by its own idea of importance.
using PlaceList = std::vector<ListedPlace>;

// The most bytes of one place; larger ones are dropped. 20 of them fit a document (kMaxDocumentBytes). A genuine place
// has less than a tenth of it.
inline constexpr std::size_t kMaxListedPlaceBytes = std::size_t{16} * 1024;

// The memory of a place, in bytes.
[[nodiscard]] std::size_t bytes_of(const ListedPlace& place);

// The great-circle distance on a sphere with a radius of 6371.0088 km, as for the embedded places.
struct PositionPair {
  protocol::Position one;
  protocol::Position other;
};
[[nodiscard]] double distance_km(const PositionPair& pair);

struct Shown {
  Status status = Status::ZeroResults;
  std::string document;
};

// Returns the document with the first `query.max` places within `query.radius_km` of the query's position.
[[nodiscard]] Shown show(const PlaceList& places, const Query& query);

}  // namespace herd::node::places
