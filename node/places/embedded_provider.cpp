#include "node/places/embedded_provider.hpp"

#include <utility>

namespace herd::node::places {

EmbeddedProvider::EmbeddedProvider(PlaceIndex index) : index_(std::move(index)) {
  figures_.provider = name();
}

std::string_view EmbeddedProvider::name() const {
  return "embedded";
}

void EmbeddedProvider::ask(LookupId lookup, const Query& query, protocol::Nanoseconds /*deadline*/) {
  const auto hits = index_.search({query.latitude, query.longitude}, query.radius_km, query.max);
  const Status status = hits.empty() ? Status::ZeroResults : Status::Ok;
  figures_.count_request(status);
  found_.push_back({lookup, status, document_of(index_, hits)});
}

void EmbeddedProvider::forget(LookupId lookup) {
  std::erase_if(found_, [lookup](const Finding& finding) { return finding.lookup == lookup; });
}

std::optional<Finding> EmbeddedProvider::poll(protocol::Now /*now*/) {
  if (found_.empty()) {
    return std::nullopt;
  }
  Finding finding = std::move(found_.front());
  found_.pop_front();
  return finding;
}

}  // namespace herd::node::places
