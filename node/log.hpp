// The node's own log: one line an event, on standard error and, where configured, in a file as well. After start_log
// any thread of the node may write with spdlog::info("event=link_lost peer={} lag={}", ...); the lines of two threads
// never mix. Text that came from a client must have gone through protocol::escape_for_log first, or it could forge
// lines.
//
//   2026-11-23T14:03:56.123Z info Hill event=link_lost peer=Smith lag=12
#pragma once

#include <string>
#include <string_view>

#include "node/config.hpp"
#include "protocol/result.hpp"

namespace herd::node {

// Sets spdlog's default logger up for the node of that name; times are UTC. Called once, before other threads start.
// Fails, and leaves the former logger in place, if the level is unknown or the file cannot be opened for appending.
[[nodiscard]] protocol::Result<void> start_log(const std::string& node, const LogConfig& config);

// "trace", "debug", "info", "warning" or "error": what is below is not written. Any thread, at any time. Fails on any
// other name and then changes nothing.
[[nodiscard]] protocol::Result<void> set_log_level(std::string_view level);

}  // namespace herd::node
