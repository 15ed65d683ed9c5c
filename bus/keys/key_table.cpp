#include "bus/keys/key_table.hpp"

#include <algorithm>

namespace herd::bus {

KeyTable::KeyTable(const BusKeys& keys) : nodes_(keys.nodes), revoked_(keys.revoked.begin(), keys.revoked.end()) {
  for (const BusKeys::Named& node : nodes_) {
    for (const std::string& key : node.keys) {
      if (!revoked_.contains(key)) names_.emplace(key, node.name);
    }
  }
}

Admission KeyTable::judge(std::string_view key) const {
  if (revoked_.contains(key)) return Admission::Revoked;
  return names_.contains(key) ? Admission::Known : Admission::Unknown;
}

std::optional<std::string_view> KeyTable::name_of(std::string_view key) const {
  const auto found = names_.find(key);
  if (found == names_.end()) return std::nullopt;
  return found->second;
}

std::vector<std::string> KeyTable::keys_of(std::string_view name) const {
  std::vector<std::string> valid;
  const auto node =
      std::find_if(nodes_.begin(), nodes_.end(), [&](const BusKeys::Named& named) { return named.name == name; });
  if (node == nodes_.end()) return valid;
  std::copy_if(node->keys.begin(), node->keys.end(), std::back_inserter(valid),
               [&](const std::string& key) { return name_of(key) == name; });
  return valid;
}

}  // namespace herd::bus
