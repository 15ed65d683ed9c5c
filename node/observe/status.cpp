#include "node/observe/status.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "protocol/unreachable.hpp"

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
          {"address", link.address},
          {"sent", link.sent},
          {"merged", link.merged},
          {"kept", link.durable},
          {"lag", link.lag},
          {"round_trip_us", link.round_trip.count()},
          {"skew_us", link.skew.count()},
          {"contender", link.contender ? claimant_json(*link.contender) : Json(nullptr)}};
}

Json report_json(const protocol::NodeReport& report) {
  return {{"age_s", static_cast<double>(report.age_ms) / 1000},
          {"incarnation", hexadecimal(report.incarnation)},
          {"uptime_s", static_cast<double>(report.uptime_ms) / 1000},
          {"ready", report.ready},
          {"clients", report.clients},
          {"digest", hexadecimal(report.digest)},
          {"peers_up", report.peers_up},
          {"peers", report.peers},
          {"updates_per_s", report.updates_per_s}};
}

Json journal_json(const JournalStatus& journal) {
  return {
      {"state", journal.trouble.empty() ? "ok" : "failing"}, {"trouble", journal.trouble}, {"bytes", journal.bytes}};
}

Json queries_json(const AskingStatus& asking) {
  Json queries = Json::object();
  for (const auto& [command, result, count] : asking.queries) {
    queries[std::string(command)][std::string(result)] = count;
  }
  return {{"under_way", asking.waiting},
          {"indexed_clients", asking.indexed},
          {"index_bytes", asking.index_bytes},
          {"counts", std::move(queries)}};
}

Json watches_json(const AskingStatus& asking) {
  Json events = Json::object();
  for (const auto& [event, count] : asking.events) events[std::string(event)] = count;
  return {{"watches", asking.watches}, {"members", asking.members}, {"events", std::move(events)}};
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

template <typename Item>
const Item* find(const std::vector<Item>& items, std::string Item::*name, const std::string& wanted) {
  const auto found = std::find_if(items.begin(), items.end(), [&](const Item& item) { return item.*name == wanted; });
  return found == items.end() ? nullptr : &*found;
}

// A node as this one knows it.
Json node_json(const Status& status, const std::string& node) {
  const bool is_self = node == status.node;
  const LinkStatus* link = find(status.links, &LinkStatus::peer, node);
  const protocol::NodeReport* report = find(status.reports, &protocol::NodeReport::node, node);
  if (is_self) report = status.own_report ? &*status.own_report : nullptr;
  std::string_view state = report != nullptr ? "reported" : "unknown";
  if (link != nullptr) state = to_string(link->state);
  if (is_self) state = "self";
  return {{"node", node},
          {"state", state},
          {"link", link != nullptr ? link_json(*link) : Json(nullptr)},
          {"report", report != nullptr ? report_json(*report) : Json(nullptr)}};
}

std::string text_of(const Json& document) {
  return document.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string_view to_string(bus::Connected state) {
  switch (state) {
    case bus::Connected::Down:
      return "down";
    case bus::Connected::Half:
      return "half";
    case bus::Connected::Up:
      return "up";
  }
  protocol::unreachable();
}

std::string hexadecimal(std::uint64_t identity) {
  return fmt::format("{:016x}", identity);
}

std::string to_json(const Status& status) {
  Json links = Json::object();
  for (const auto& link : status.links) links[link.peer] = link_json(link);
  Json reports = Json::object();
  for (const auto& report : status.reports) reports[report.node] = report_json(report);
  Json counters = Json::object();
  for (const auto& [name, counter] : status.counters) counters[std::string(name)] = counter.value;
  Json providers = Json::object();
  for (const auto& provider : status.providers) providers[provider.provider] = provider_json(provider);
  const Json document{{"node", status.node},
                      {"incarnation", hexadecimal(status.incarnation)},
                      {"feed_id", hexadecimal(status.feed_id)},
                      {"uptime_s", static_cast<double>(status.uptime.count()) / 1000},
                      {"digest", hexadecimal(status.digest)},
                      {"clients", status.clients},
                      {"connections", status.connections},
                      {"tls_handshakes_under_way", status.tls_handshakes_under_way},
                      {"journal", journal_json(status.journal)},
                      {"queries", queries_json(status.asking)},
                      {"watches", watches_json(status.asking)},
                      {"name_conflict", conflict_json(status.name_conflict)},
                      {"links", std::move(links)},
                      {"reports", std::move(reports)},
                      {"places", std::move(providers)},
                      {"counters", std::move(counters)}};
  return text_of(document);
}

std::string to_herd_json(const Status& status) {
  Json nodes = Json::array();
  for (const std::string& node : status.nodes) nodes.push_back(node_json(status, node));
  for (const protocol::NodeReport& report : status.reports) {
    const bool is_configured = std::find(status.nodes.begin(), status.nodes.end(), report.node) != status.nodes.end();
    if (!is_configured) nodes.push_back(node_json(status, report.node));
  }
  return text_of({{"node", status.node}, {"nodes", std::move(nodes)}});
}

}  // namespace herd::node
