// One destination of the log: a ring of lines (log_ring.hpp) and a thread of its own that writes them (log_target.hpp).
// Whatever happens to the destination, only that thread waits. Lines that cannot be written are dropped and counted:
//
//   - no room (a reader that is frozen or slow, a slow disk): lines wait in the ring, and when it is full new lines are
//     dropped. Once there is room again, the lines that waited are written, and then a line that says how many are
//     missing.
//   - an error (a full disk, a pipe without a reader): tried again every kLogRetry. After kLogErrorPatience all lines
//     that wait are dropped at each try, so that log_dropped shows a log that cannot be written even if the node has
//     little to log.
//
// A crash that cannot be caught (SIGKILL) loses what is in the ring.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "node/observe/log_target.hpp"
#include "node/base/loose_thread.hpp"

namespace herd::node {

// Some 8,000 lines, or six seconds of the most that clients can provoke at level warning. More would only make the gap
// of a frozen reader begin later.
inline constexpr std::size_t kLogRingBytes = std::size_t{1024} * 1024;
inline constexpr std::chrono::milliseconds kLogRetry{250};
inline constexpr std::chrono::milliseconds kLogErrorPatience{1'000};
// After writing, the thread waits for so long for more lines before it looks again. Under load it then writes many
// lines at once, and the threads that log need not wake it.
inline constexpr std::chrono::milliseconds kLogGathering{1};
// How often the path of a log file is compared with the file that is open.
inline constexpr std::chrono::milliseconds kLogFollow{1'000};
// How long the end of the process waits for lines to be written.
inline constexpr std::chrono::milliseconds kLogEndPatience{1'000};

class LogOutput {
 public:
  // Makes the line that says how many lines are missing; ends with LF. Called on the output's thread.
  using DropReport = std::function<std::string(std::uint64_t lines, std::string_view reason)>;

  // Starts the thread. Throws std::system_error if the system has no thread or descriptor left.
  LogOutput(LogTarget target, DropReport report, std::size_t ring_bytes = kLogRingBytes);

  ~LogOutput();  // finish(kLogEndPatience)
  LogOutput(const LogOutput&) = delete;
  LogOutput& operator=(const LogOutput&) = delete;

  // Any thread, also in a signal handler; never waits. `line` ends with LF.
  void push(std::string_view line) noexcept;

  // Where the ring ends now, and whether every line up to such a position is written or dropped. Any thread, also in a
  // signal handler.
  [[nodiscard]] std::uint64_t pushed() const noexcept;
  [[nodiscard]] bool is_settled(std::uint64_t position) const noexcept;

  // Lines dropped so far. Any thread.
  [[nodiscard]] std::uint64_t dropped() const noexcept;

  // Writes what is in the ring and ends the thread, within `patience`. A thread that is stuck in a system call after
  // that is left to the end of the process, and what is in the ring is lost. Thread of the owner.
  void finish(std::chrono::milliseconds patience);

 private:
  class Writer;
  std::shared_ptr<Writer> writer_;
  LooseThread thread_;
};

}  // namespace herd::node
