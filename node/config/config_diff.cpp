#include "node/config/config_diff.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace herd::node {
namespace {

constexpr bool kLive = true;

struct Settings {
  void add(std::string key, std::string value, bool live = false) {
    all.push_back({std::move(key), std::move(value), live});
  }

  std::vector<Setting> all;
};

void add_clients(Settings& all, const ClientsConfig& clients) {
  all.add("clients.commands", clients.commands == CommandSet::All ? "all" : "seed", kLive);
  all.add("clients.invalid_arguments", clients.invalid_arguments == InvalidArgumentsPolicy::Drop ? "drop" : "reply",
          kLive);
  all.add("clients.max_line_bytes", fmt::to_string(clients.max_line_bytes), kLive);
  all.add("clients.max_connections", fmt::to_string(clients.max_connections), kLive);
  all.add("clients.max_clients", fmt::to_string(clients.max_clients), kLive);
  all.add("clients.idle_timeout", fmt::to_string(clients.idle_timeout.count()), kLive);
  all.add("clients.max_future", fmt::to_string(clients.max_future.count()), kLive);
  all.add("clients.tls", clients.tls ? "on" : "off", kLive);
  all.add("clients.tls_cert", clients.tls_cert.string(), kLive);
  all.add("clients.tls_key", clients.tls_key.string(), kLive);
  all.add("clients.tls_min_version", clients.tls_min_version == TlsVersion::Tls12 ? "1.2" : "1.3", kLive);
  all.add("clients.auth", clients.auth == Authentication::None ? "none" : "token", kLive);
  all.add("clients.tokens", clients.tokens.string(), kLive);
  all.add("clients.max_connections_per_address", fmt::to_string(clients.max_connections_per_address), kLive);
  all.add("clients.first_line_timeout", fmt::to_string(clients.first_line_timeout.count()), kLive);
}

}  // namespace

std::vector<Setting> settings(const Config& config, std::string_view name) {
  const NodeConfig* node = config.find(name);
  if (node == nullptr) return {};
  Settings all;
  all.add("herd.name", config.herd_name);
  all.add("herd.state_dir", config.state_dir.string());
  add_clients(all, config.clients);
  all.add("watches.max_per_node", fmt::to_string(config.watches.max_per_node), kLive);
  all.add("watches.max_members", fmt::to_string(config.watches.max_members), kLive);
  all.add("bus.curve", config.bus.curve ? "true" : "false");
  all.add("bus.keys_dir", config.bus.keys_dir.string());
  all.add("bus.max_in_flight", fmt::to_string(config.bus.max_in_flight));
  all.add("bus.max_batch", fmt::to_string(config.bus.max_batch));
  all.add("updates.ack", fmt::to_string(static_cast<int>(config.updates.ack)));
  all.add("updates.replicas", fmt::to_string(config.updates.replicas), kLive);
  all.add("updates.ack_timeout", fmt::to_string(config.updates.ack_timeout.count()), kLive);
  all.add("places.providers", fmt::format("{}", fmt::join(config.places.providers, " ")));
  all.add("places.timeout", fmt::to_string(config.places.timeout.count()));
  all.add("places.cache_ttl", fmt::to_string(config.places.cache_ttl.count()));
  all.add("places.key_env", config.places.key_env);
  all.add("places.key_file", config.places.key_file.string());
  all.add("places.google_url", config.places.google_url);
  all.add("places.google_legacy_url", config.places.google_legacy_url);
  all.add("http.tls", config.http.tls ? "on" : "off", kLive);
  all.add("http.tls_cert", config.http.tls_cert.string(), kLive);
  all.add("http.tls_key", config.http.tls_key.string(), kLive);
  all.add("http.auth", config.http.auth == Authentication::None ? "none" : "token", kLive);
  all.add("http.ready_timeout", fmt::to_string(config.http.ready_timeout.count()));
  all.add("log.level", config.log.level, kLive);
  all.add("log.file", log_file(config, name).string());
  all.add("log.format", config.log.format == LogFormat::Text ? "text" : "json");
  all.add("node.name", node->name);
  all.add("node.clients", to_string(node->clients));
  all.add("node.bus", node->bus);
  all.add("node.bus_public", node->bus_public);
  all.add("node.monitor", node->monitor);
  all.add("node.http", to_string(node->http));
  std::vector<std::string> links;
  for (const auto& peer : node->peers) links.push_back(fmt::format("{}={}", peer, config.find(peer)->bus_public));
  all.add("node.peers", fmt::format("{}", fmt::join(links, " ")), kLive);
  return std::move(all.all);
}

ConfigChanges diff(const Reload& reload, std::string_view name) {
  const auto running = settings(reload.running, name);
  const auto fresh = settings(reload.fresh, name);
  if (running.size() != fresh.size()) return {{}, {"node.name"}};
  ConfigChanges changes;
  for (std::size_t i = 0; i < running.size(); ++i) {
    if (running[i].value == fresh[i].value) continue;
    (running[i].live ? changes.live : changes.restart).push_back(running[i].key);
  }
  return changes;
}

Config with_nodes_of(const Config& running, const Config& fresh, std::string_view name) {
  const NodeConfig* self = fresh.find(name);
  if (self == nullptr) return running;
  Config next = running;
  next.nodes = fresh.nodes;
  NodeConfig& own = next.nodes[static_cast<std::size_t>(self - fresh.nodes.data())];
  own = *running.find(name);
  own.peers = self->peers;
  return next;
}

}  // namespace herd::node
