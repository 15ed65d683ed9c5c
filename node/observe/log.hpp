// The node's own log: one line an event, on standard error and, where configured, in a file as well. After start_log
// any thread of the node may write with spdlog::info("event=link_lost peer={} lag={}", ...); the lines of two threads
// never mix. Text that came from a client must have gone through protocol::escape_for_log first, or it could forge
// lines.
//
//   2026-11-23T14:03:56.123Z info Hill event=link_lost peer=Smith lag=12
//
// To log never waits: a line is copied into a ring for each destination (log_output.hpp), and a thread of its own
// writes it. Lines that a destination does not take in time are dropped, counted, and reported in its log:
//
//   2026-11-23T14:04:10.001Z warning Hill event=log_dropped lines=312 reason="No space left on device"
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "node/config/config.hpp"
#include "protocol/result.hpp"

namespace herd::node {

// Sets spdlog's default logger up for the node of that name; times are UTC. Called once, before other threads start.
// Fails, and leaves the former logger in place, if the level is unknown or the file cannot be opened for appending.
[[nodiscard]] protocol::Result<void> start_log(const std::string& node, const LogConfig& config);

// "trace", "debug", "info", "warning" or "error": what is below is not written. Any thread, at any time. Fails on any
// other name and then changes nothing.
[[nodiscard]] protocol::Result<void> set_log_level(std::string_view level);

// Lines dropped since the start, by standard error and by the file together; never falls. Any thread.
[[nodiscard]] std::uint64_t log_dropped();

// Waits until all lines logged before are written or dropped, but no longer than `patience`; false if they are not. Any
// thread but the log's own, also in a signal handler.
bool drain_log(std::chrono::milliseconds patience) noexcept;

// Logs one line at level error without spdlog and without memory from the heap, for a process that is about to end:
// call drain_log() after it. Text beyond 1,000 bytes is cut off. Any thread, also in a signal handler.
void log_fatal(std::string_view text) noexcept;

// At the end of main(): writes what waits, within kLogEndPatience (log_output.hpp). Nothing is written after it.
void finish_log();

}  // namespace herd::node
