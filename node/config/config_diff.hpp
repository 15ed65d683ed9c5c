// What differs between two configurations for one node, and which of it a reload can change while the node runs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "node/config/config.hpp"

namespace herd::node {

// One thing that the node is told by its configuration, as text.
struct Setting {
  std::string key;  // "clients.idle_timeout", "node.bus"
  std::string value;
  bool live = false;  // a reload changes it; else it needs a restart
};

// All that concerns the node `name`, always in the same order. Empty if the configuration lacks that node. Not in it is
// what only permits other settings: bus.curve and http.allow_remote_http.
[[nodiscard]] std::vector<Setting> settings(const Config& config, std::string_view name);

struct Reload {
  const Config& running;
  const Config& fresh;
};

struct ConfigChanges {
  std::vector<std::string> live;     // keys that can be applied now: clients.*, updates.ack_timeout and log.level
  std::vector<std::string> restart;  // keys that stay as they are until the node is restarted
};

// A node that is no more in the fresh configuration has `node.name` in `restart`.
[[nodiscard]] ConfigChanges diff(const Reload& reload, std::string_view name);

}  // namespace herd::node
