#include "node/status.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "protocol/assert.hpp"

namespace herd::node {
namespace {

// Ordered, so that a person who reads it finds the fields where docs/MONITORING.md shows them.
using Json = nlohmann::ordered_json;

Json link_json(const LinkStatus& link) {
  return {{"state", to_string(link.state)},
          {"sent", link.sent},
          {"merged", link.merged},
          {"kept", link.kept},
          {"lag", link.lag},
          {"round_trip_us", link.round_trip.count()},
          {"skew_us", link.skew.count()}};
}

Json provider_json(const places::Figures& provider) {
  Json requests = Json::object();
  std::uint64_t count = 0;
  for (std::size_t status = 0; status < places::kStatuses; ++status) {
    if (provider.requests[status] == 0) continue;
    requests[std::string(to_text(static_cast<places::Status>(status)))] = provider.requests[status];
    count += provider.requests[status];
  }
  return {{"state", to_text(provider.state)}, {"message", provider.trouble},
          {"requests", std::move(requests)},  {"mean_request_us", count == 0 ? 0 : provider.latency_us / count},
          {"cache_hits", provider.hits},      {"cache_misses", provider.misses},
          {"shared", provider.shared},        {"stale", provider.stale},
          {"cached", provider.cached},        {"cached_bytes", provider.cached_bytes}};
}

}  // namespace

std::string_view to_string(LinkState state) {
  switch (state) {
    case LinkState::Down:
      return "down";
    case LinkState::Half:
      return "half";
    case LinkState::Up:
      return "up";
  }
  HERD_ASSERT(false);
}

std::string hexadecimal(std::uint64_t identity) {
  return fmt::format("{:016x}", identity);
}

std::string to_json(const Status& status) {
  Json links = Json::object();
  for (const auto& link : status.links) links[link.peer] = link_json(link);
  Json counters = Json::object();
  for (const auto& [name, value] : status.counters) counters[name] = value;
  Json providers = Json::object();
  for (const auto& provider : status.providers) providers[provider.provider] = provider_json(provider);
  const Json document{{"node", status.node},
                      {"incarnation", hexadecimal(status.incarnation)},
                      {"feed_id", hexadecimal(status.feed_id)},
                      {"uptime_s", static_cast<double>(status.uptime.count()) / 1000},
                      {"digest", hexadecimal(status.digest)},
                      {"clients", status.clients},
                      {"connections", status.connections},
                      {"links", std::move(links)},
                      {"places", std::move(providers)},
                      {"counters", std::move(counters)}};
  return document.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace herd::node
