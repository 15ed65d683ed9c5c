// The node's log: one line per event, on standard error and, if configured, in a file as well. After start_log() any
// thread may write with spdlog::info("event=link_lost peer={} lag={}", ...). Lines of different threads never mix. Text
// from outside, such as from a client, must pass through protocol::escape_for_log() first: it could forge lines.
//
//   2026-11-23T14:03:56.123Z info Hill event=link_lost peer=Smith lag=12
//
// With `[log] format = "json"` each line is a JSON object with the same content (log_line.hpp).
//
// Logging never blocks: it copies the line into one ring per destination (log_output.hpp), and each destination has a
// thread that writes. Lines that a destination does not accept in time are dropped, counted, and reported there:
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

// Replaces spdlog's default logger by one that writes the node's name and times in UTC. Call it once, before other
// threads start. Returns an error, and keeps the previous logger, if the level is unknown, the file cannot be opened
// for appending, or the system has no thread or descriptor left.
[[nodiscard]] protocol::Result<void> start_log(const std::string& node, const LogConfig& config);

// Sets the lowest level that is written, by its name (node/base/log_levels.hpp). Any thread, at any time. Returns an
// error for any other name, and changes nothing then.
[[nodiscard]] protocol::Result<void> set_log_level(std::string_view level);

// Opens the log file again if it was renamed or removed, as a program that rotates logs does before it sends SIGHUP.
// Lines logged after the call are in the new file. Does not block. Any thread.
void reopen_log() noexcept;

// The number of lines dropped since the start, for standard error and the file together. Any thread.
[[nodiscard]] std::uint64_t log_dropped();

// Waits until all lines logged before the call are written or dropped, at most `patience`. Returns false if some are
// still in a ring. Any thread except the log's own; also in a signal handler.
bool drain_log(std::chrono::milliseconds patience) noexcept;

// Logs one line at level error for a process that is about to end. It uses neither spdlog nor the heap. Call
// drain_log() after it. Text beyond 1,000 bytes is cut off. Any thread; also in a signal handler.
void log_fatal(std::string_view text) noexcept;

// Writes the waiting lines, within kLogEndPatience (log_output.hpp), and ends the log. Call it at the end of main():
// lines logged after it are lost.
void finish_log();

}  // namespace herd::node
