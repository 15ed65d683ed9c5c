#include "node/config/config_diff.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace herd::node {

std::vector<Setting> settings(const Config& config, std::string_view name) {
  const NodeConfig* node = config.find(name);
  if (node == nullptr) return {};
  std::vector<Setting> all;
  const auto add = [&](std::string key, std::string value, bool live = false) {
    all.push_back({std::move(key), std::move(value), live});
  };
  constexpr bool kLive = true;
  add("herd.name", config.herd_name);
  add("herd.state_dir", config.state_dir.string());
  add("clients.commands", config.clients.commands == CommandSet::All ? "all" : "seed", kLive);
  add("clients.invalid_arguments", config.clients.invalid_arguments == InvalidArgumentsPolicy::Drop ? "drop" : "reply",
      kLive);
  add("clients.max_line_bytes", fmt::to_string(config.clients.max_line_bytes), kLive);
  add("clients.max_connections", fmt::to_string(config.clients.max_connections), kLive);
  add("clients.max_clients", fmt::to_string(config.clients.max_clients), kLive);
  add("clients.idle_timeout", fmt::to_string(config.clients.idle_timeout.count()), kLive);
  add("clients.max_future", fmt::to_string(config.clients.max_future.count()), kLive);
  add("clients.tls", config.clients.tls ? "on" : "off", kLive);
  add("clients.tls_cert", config.clients.tls_cert.string(), kLive);
  add("clients.tls_key", config.clients.tls_key.string(), kLive);
  add("clients.tls_min_version", config.clients.tls_min_version == TlsVersion::Tls12 ? "1.2" : "1.3", kLive);
  add("clients.auth", config.clients.auth == Authentication::None ? "none" : "token", kLive);
  add("clients.tokens", config.clients.tokens.string(), kLive);
  add("clients.max_connections_per_address", fmt::to_string(config.clients.max_connections_per_address), kLive);
  add("clients.first_line_timeout", fmt::to_string(config.clients.first_line_timeout.count()), kLive);
  add("watches.max_per_node", fmt::to_string(config.watches.max_per_node), kLive);
  add("watches.max_members", fmt::to_string(config.watches.max_members), kLive);
  add("bus.curve", config.bus.curve ? "true" : "false");
  add("bus.keys_dir", config.bus.keys_dir.string());
  add("bus.max_in_flight", fmt::to_string(config.bus.max_in_flight));
  add("bus.max_batch", fmt::to_string(config.bus.max_batch));
  add("updates.ack", fmt::to_string(static_cast<int>(config.updates.ack)));
  add("updates.replicas", fmt::to_string(config.updates.replicas));
  add("updates.ack_timeout", fmt::to_string(config.updates.ack_timeout.count()), kLive);
  add("places.providers", fmt::format("{}", fmt::join(config.places.providers, " ")));
  add("places.timeout", fmt::to_string(config.places.timeout.count()));
  add("places.cache_ttl", fmt::to_string(config.places.cache_ttl.count()));
  add("places.key_env", config.places.key_env);
  add("places.key_file", config.places.key_file.string());
  add("places.google_url", config.places.google_url);
  add("places.google_legacy_url", config.places.google_legacy_url);
  add("http.auth", config.http.auth == Authentication::None ? "none" : "token", kLive);
  add("http.ready_timeout", fmt::to_string(config.http.ready_timeout.count()));
  add("log.level", config.log.level, kLive);
  add("log.file", log_file(config, name).string());
  add("node.name", node->name);
  add("node.clients", to_string(node->clients));
  add("node.bus", node->bus);
  add("node.bus_public", node->bus_public);
  add("node.monitor", node->monitor);
  add("node.http", to_string(node->http));
  std::vector<std::string> links;
  for (const auto& peer : node->peers) links.push_back(fmt::format("{}={}", peer, config.find(peer)->bus_public));
  add("node.peers", fmt::format("{}", fmt::join(links, " ")), kLive);
  return all;
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
