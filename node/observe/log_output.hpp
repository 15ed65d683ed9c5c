// One destination of the log: a ring of lines (log_ring.hpp) and a thread that writes them (log_target.hpp). Whatever
// happens to the destination, only that thread waits. Lines that cannot be written are dropped and counted:
//
//   - The destination does not accept bytes (a frozen or slow reader, a slow disk): lines wait in the ring, and new
//     lines are dropped when it is full. When the destination accepts bytes again, the thread writes the waiting lines
//     and then a line with the number of dropped ones.
//   - A write fails (a full disk, a pipe without a reader): the thread retries every kLogRetry. After kLogErrorPatience
//     each failed retry drops all waiting lines. So the counter log_dropped reveals a log that cannot be written, even
//     if the node has little to log.
//
// An end of the process that cannot be caught (SIGKILL) loses the lines in the ring.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "node/base/detachable_thread.hpp"
#include "node/observe/log_target.hpp"

namespace herd::node {

// About 8,000 lines, or six seconds of the highest rate of warnings that clients can cause. A larger ring would only
// delay the gap of a frozen reader.
inline constexpr std::size_t kLogRingBytes = std::size_t{1024} * 1024;
inline constexpr std::chrono::milliseconds kLogRetry{250};
inline constexpr std::chrono::milliseconds kLogErrorPatience{1'000};
// After a write, the thread waits this long before it checks the ring again. Under load it then writes many lines at
// once, and the logging threads need not wake it.
inline constexpr std::chrono::milliseconds kLogGathering{1};
// How often the thread checks whether the path of the log file still leads to the open file.
inline constexpr std::chrono::milliseconds kLogFollow{1'000};
// How long a process waits at its end for its lines to be written.
inline constexpr std::chrono::milliseconds kLogEndPatience{1'000};

class LogOutput {
 public:
  // Returns the line that reports `lines` dropped lines; it must end with LF. Called on the output's thread.
  using DropReport = std::function<std::string(std::uint64_t lines, std::string_view reason)>;

  // Starts the thread. Throws std::system_error if the system has no thread or descriptor left.
  LogOutput(LogTarget target, DropReport report, std::size_t ring_bytes = kLogRingBytes);

  ~LogOutput();  // calls finish(kLogEndPatience)
  LogOutput(const LogOutput&) = delete;
  LogOutput& operator=(const LogOutput&) = delete;

  // Logs a line, which must end with LF. Never blocks. Any thread; also in a signal handler.
  void push(std::string_view line) noexcept;

  // pushed() returns the current end position of the ring. is_settled() returns whether all lines before such a
  // position are written or dropped. Any thread; also in a signal handler.
  [[nodiscard]] std::uint64_t pushed() const noexcept;
  [[nodiscard]] bool is_settled(std::uint64_t position) const noexcept;

  // Opens the path of the file again, before the next line is written, if it leads to another file or to none. Without
  // this call that happens at most kLogFollow later. Any thread.
  void reopen() noexcept;

  // The number of lines dropped so far. Any thread.
  [[nodiscard]] std::uint64_t dropped() const noexcept;

  // Writes the lines in the ring and ends the thread, within `patience`. If the thread is stuck in a system call after
  // that, it is abandoned until the process ends, and the lines in the ring are lost. Owner's thread only.
  void finish(std::chrono::milliseconds patience);

 private:
  class Writer;
  std::shared_ptr<Writer> writer_;
  DetachableThread thread_;
};

}  // namespace herd::node
