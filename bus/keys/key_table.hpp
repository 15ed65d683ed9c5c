// Decides which public keys may connect to a node, and to which node of the herd each belongs. Pure; loop thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "bus/keys/bus_keys.hpp"

namespace herd::bus {

enum class Admission : std::uint8_t {
  Known,    // a key of a node: its connection is accepted
  Unknown,  // no node has the key, perhaps not yet: its owner may try again
  Revoked,  // refused for good
};

class KeyTable {
 public:
  // If a key is both a node's and revoked, it is revoked. Of two nodes with one key the first has it.
  explicit KeyTable(const BusKeys& keys);

  [[nodiscard]] Admission judge(std::string_view key) const;

  // Returns the node to which a key belongs; nullopt if it is unknown or revoked. Valid as long as the table.
  [[nodiscard]] std::optional<std::string_view> name_of(std::string_view key) const;

  // Returns the valid keys of a node, in the order of BusKeys; empty if it has none.
  [[nodiscard]] std::vector<std::string> keys_of(std::string_view name) const;

 private:
  std::vector<BusKeys::Named> nodes_;
  std::map<std::string, std::string, std::less<>> names_;  // by key; the revoked ones are not in it
  std::set<std::string, std::less<>> revoked_;
};

}  // namespace herd::bus
