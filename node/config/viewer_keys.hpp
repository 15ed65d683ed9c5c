// The viewers that may connect to a monitor beyond loopback. `scripts/herd keygen --viewer` writes the file;
// docs/SECURITY.md explains it.
//
//   <keys_dir>/viewers.toml  [[viewer]] tables with `name` and `key`, its public key. The same file on every host. Mode
//                            0644 at most, of the user of the node: who can write the file admits viewers.
//
// The thread that starts the node or reloads reads it; the keys are plain values.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "bus/keys/key_pair.hpp"
#include "node/config/config.hpp"
#include "protocol/result.hpp"

namespace herd::node {

// As many as the monitor has connections (node/observe/monitor_limits.hpp).
inline constexpr std::size_t kMaxViewerNames = 1'024;

using ViewerNames = std::map<std::string, std::string, std::less<>>;  // the name of a viewer, by its public key

struct ViewerKeys {
  bus::KeyPair own;  // of the node: the same one as on the bus
  ViewerNames names;
};

struct LoadedViewers {
  ViewerNames names;
  std::vector<std::string> warnings;  // none may connect yet; one line each, `FILE:LINE: what is wrong: what to do`
};

// Whether the monitor of this node admits viewers by their keys: it is beyond loopback.
[[nodiscard]] bool has_remote_monitor(const NodeConfig& node);

// Reads and checks the file. A missing file admits no viewer, which is a warning. The Error's message has one line for
// each mistake: `FILE:LINE: what is wrong: what to do`.
[[nodiscard]] protocol::Result<LoadedViewers> load_viewers(const Config& config);

}  // namespace herd::node
