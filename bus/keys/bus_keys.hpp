// The keys with which a bus encrypts its connections and recognises the nodes. Plain values.
#pragma once

#include <string>
#include <vector>

#include "bus/keys/key_pair.hpp"

namespace herd::bus {

struct BusKeys {
  // A node and its public keys: one, or two during a rotation; none if all are revoked.
  struct Named {
    std::string name;
    std::vector<std::string> keys;
    bool operator==(const Named&) const = default;
  };
  KeyPair own;                       // of this node
  std::vector<Named> nodes;          // of the herd; may contain this one
  std::vector<std::string> revoked;  // public keys that are refused, also if a node has them
  bool operator==(const BusKeys&) const = default;
};

}  // namespace herd::bus
