// The key files of the bus. `scripts/herd keygen` writes them; docs/SECURITY.md explains them.
//
//   <keys_dir>/NAME.secret   one or two [[key]] tables with `public` and `secret`: the key pair in use, and the next
//                            one of a rotation. Mode 0600, in a directory of mode 0700.
//   <keys_dir>/public.toml   `revoked`, a list of public keys; and [[node]] tables with `name` and `keys`, one or two
//                            public keys each. The same file on every host.
//
// The thread that starts the node or reloads reads them; the keys are plain values. No error contains a secret.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bus/keys/bus_keys.hpp"
#include "node/config/config.hpp"
#include "protocol/result.hpp"

namespace herd::node {

struct LoadedKeys {
  bus::BusKeys keys;
  // Faults with which the node can run: a peer without a valid key, an own key that is not in public.toml or is
  // revoked. Each is one line, `FILE:LINE: what is wrong: what to do`.
  std::vector<std::string> warnings;
};

// Reads and checks the keys of node `name`, which the configuration must contain. The Error's message has one line for
// each mistake: `FILE:LINE: what is wrong: what to do`.
[[nodiscard]] protocol::Result<LoadedKeys> load_keys(const Config& config, std::string_view name);

}  // namespace herd::node
