#include "node/observe/status.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "protocol/assert.hpp"

namespace herd::node {
namespace {

// Ordered, so that the fields have the order of docs/MONITORING.md.
using Json = nlohmann::ordered_json;

Json claimant_json(const bus::Claimant& process) {
  return {{"incarnation", hexadecimal(process.incarnation)}, {"address", process.address}, {"host", process.host}};
}

Json conflict_json(const std::optional<NameConflictStatus>& conflict) {
  if (!conflict) return nullptr;
  return {{"role", conflict->keeps_name ? "kept" : "refused"},
          {"peer", conflict->peer},
          {"other", claimant_json(conflict->other)}};
}

Json link_json(const LinkStatus& link) {
  return {{"state", to_string(link.state)},
          {"sent", link.sent},
          {"merged", link.merged},
          {"kept", link.durable},
          {"lag", link.lag},
          {"round_trip_us", link.round_trip.count()},
          {"skew_us", link.skew.count()},
          {"contender", link.contender ? claimant_json(*link.contender) : Json(nullptr)}};
}

Json journal_json(const JournalStatus& journal) {
  return {
      {"state", journal.trouble.empty() ? "ok" : "failing"}, {"trouble", journal.trouble}, {"bytes", journal.bytes}};
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

void add_bus(Status& status, const bus::ReplicaCounters& bus) {
  status.counters["bus_batches_sent"] = bus.batches_sent;
  status.counters["bus_bodies_shared"] = bus.bodies_shared;
  status.counters["bus_bodies_repeated"] = bus.bodies_repeated;
  status.counters["bus_updates_sent"] = bus.updates_sent;
  status.counters["bus_batches_received"] = bus.batches_received;
  status.counters["bus_updates_received"] = bus.updates_received;
  status.counters["bus_updates_merged"] = bus.updates_merged;
  status.counters["bus_updates_repeated"] = bus.updates_repeated;
  status.counters["bus_updates_older"] = bus.updates_older;
  status.counters["bus_updates_unreadable"] = bus.updates_unreadable;
  status.counters["bus_messages_refused"] = bus.messages_refused;
  status.counters["bus_messages_damaged"] = bus.messages_damaged;
  status.counters["bus_messages_unknown"] = bus.messages_unknown;
  status.counters["bus_timeouts"] = bus.timeouts;
  status.counters["bus_digest_rounds"] = bus.digest_rounds;
  status.counters["bus_buckets_pulled"] = bus.buckets_pulled;
  status.counters["bus_divergences_healed"] = bus.divergences_healed;
  status.counters["bus_feeds_renewed"] = bus.feeds_renewed;
}

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
                      {"journal", journal_json(status.journal)},
                      {"name_conflict", conflict_json(status.name_conflict)},
                      {"links", std::move(links)},
                      {"places", std::move(providers)},
                      {"counters", std::move(counters)}};
  return document.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace herd::node
