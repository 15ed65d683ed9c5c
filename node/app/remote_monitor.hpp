// The monitor of a node, on loopback in plain text for every program of the host, and beyond loopback by CURVE for the
// viewers of viewers.toml. Loop thread.
#pragma once

#include <memory>
#include <optional>
#include <zmq.hpp>

#include "node/config/config.hpp"
#include "node/config/viewer_keys.hpp"
#include "node/observe/monitor.hpp"
#include "protocol/clock.hpp"
#include "protocol/result.hpp"

namespace herd::node {

// Binds the monitor of the node `self`, which must have one. With `keys`, also proves that a stranger is refused.
[[nodiscard]] protocol::Result<std::unique_ptr<Monitor>> start_monitor(zmq::context_t& context, const NodeConfig& self,
                                                                       const Viewers::Limits& limits,
                                                                       std::optional<ViewerKeys> keys);

// Reads viewers.toml again, and disconnects the viewers that are not in it any more. After a mistake in it, the former
// viewers stay, and this returns the mistakes, one a line. `own`: the new key pair of the node; nullopt: the former
// one.
[[nodiscard]] protocol::Result<void> reload_viewers(Monitor& monitor, const Config& config,
                                                    std::optional<bus::KeyPair> own, protocol::Nanoseconds steady);

}  // namespace herd::node
