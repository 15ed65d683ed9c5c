// Compares two configurations for one node: which settings differ, and which of them a reload can change while the node
// runs. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "node/config/config.hpp"

namespace herd::node {

// One setting of a node, as text.
struct Setting {
  std::string key;  // "clients.idle_timeout", "node.bus"
  std::string value;
  bool live = false;  // true: a reload changes it; false: it needs a restart
};

// Returns all settings that concern the node `name`, always in the same order; empty if the configuration has no such
// node. clients.allow_plaintext and http.allow_remote_http are not included, because they only permit other settings.
[[nodiscard]] std::vector<Setting> settings(const Config& config, std::string_view name);

struct Reload {
  const Config& running;
  const Config& fresh;
};

struct ConfigChanges {
  // Changed keys that a reload applies: clients.*, watches.*, http.* but ready_timeout, updates.replicas and
  // ack_timeout, log.level, node.peers. node.peers differs if a link is new, removed or to another address.
  std::vector<std::string> live;
  std::vector<std::string> restart;  // changed keys that need a restart
};

// Returns the changed keys. If the fresh configuration has no such node, `restart` is only `node.name`.
[[nodiscard]] ConfigChanges diff(const Reload& reload, std::string_view name);

// The configuration with which node `name` continues after a reload: `fresh` decides about all other nodes, and about
// the peers of this one; its own addresses need a restart. `running` itself if `fresh` has no node of this name.
[[nodiscard]] Config with_nodes_of(const Config& running, const Config& fresh, std::string_view name);

}  // namespace herd::node
