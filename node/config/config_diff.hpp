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
  std::vector<std::string> live;     // changed keys that a reload applies: clients.*, updates.ack_timeout, log.level
  std::vector<std::string> restart;  // changed keys that need a restart
};

// Returns the changed keys. If the fresh configuration has no such node, `restart` is only `node.name`.
[[nodiscard]] ConfigChanges diff(const Reload& reload, std::string_view name);

}  // namespace herd::node
