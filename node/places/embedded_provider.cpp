#include "node/places/embedded_provider.hpp"

#include <utility>

namespace herd::node::places {

EmbeddedProvider::EmbeddedProvider(PlaceIndex index) : index_(std::move(index)) {
  figures_.provider = name();
}

std::string_view EmbeddedProvider::name() const {
  return "embedded";
}

std::optional<LookupResult> EmbeddedProvider::ask(LookupId lookup, const Query& query,
                                                  protocol::Nanoseconds /*deadline*/, const protocol::Now& /*now*/) {
  const auto hits = index_.search({query.latitude, query.longitude}, query.radius_km, query.max);
  const Status status = hits.empty() ? Status::ZeroResults : Status::Ok;
  figures_.count_request(status);
  return LookupResult{lookup, status, document_of(index_, hits)};
}

}  // namespace herd::node::places
