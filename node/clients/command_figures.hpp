// What became of the commands of clients, and how long their answers took, since the start of the node. Written on the
// loop's thread, which copies them into the status (node/observe/command_status.hpp).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "node/clients/command_list.hpp"
#include "protocol/clock.hpp"
#include "protocol/command.hpp"
#include "protocol/duration_histogram.hpp"

namespace herd::node {

enum class CommandResult : std::uint8_t {
  Answered,  // a query or a lookup counts when it begins
  Refused,   // a client that is not known, a right that the token does not give, or a limit
  Invalid,   // an operand that is malformed or out of range
  Unknown,   // not a command of this node, or a wrong number of operands
};
inline constexpr std::array<std::string_view, 3> kCommandResults{"answered", "refused", "invalid"};

class CommandCounters {
 public:
  // Counts a line. A blank line and a line of HTTP are no commands.
  void count(const protocol::Command& command, std::string_view line, CommandResult result) {
    const std::size_t index = command.index();
    if (index - 1 < kCommandList.size() && result != CommandResult::Unknown) {
      ++counts_[index - 1][static_cast<std::size_t>(result)];
    } else {
      count_other(command, line, result);
    }
  }
  // `command`: its index in kCommandList; `result`: its index in kCommandResults.
  [[nodiscard]] std::uint64_t of(std::size_t command, std::size_t result) const { return counts_[command][result]; }
  [[nodiscard]] std::uint64_t unknown() const { return unknown_; }

 private:
  void count_other(const protocol::Command& command, std::string_view line, CommandResult result);

  std::array<std::array<std::uint64_t, kCommandResults.size()>, kCommandList.size()> counts_{};
  std::uint64_t unknown_ = 0;
};

// The durations of commands: from the loop iteration in which a line came, until the end of the iteration in which its
// answer was given to the kernel, or waits only for a client that does not read. A command without an answer counts as
// answered when it is executed. All answers of an iteration share one reading of the clock, which the loop makes anyway
// before it waits: a command costs an addition.
class CommandTimes {
 public:
  // `count` commands, of which the lines came at `since` in steady time, are answered in this iteration.
  void answered(protocol::Nanoseconds since, std::uint64_t count) {
    if (used_ > 0 && (answered_[used_ - 1].since == since || used_ == kMost)) {
      answered_[used_ - 1].count += count;
    } else {
      answered_[used_++] = {since, count};
    }
  }
  [[nodiscard]] bool has_answered() const { return used_ > 0; }
  // The iteration ends at `now`, in steady time.
  void end_iteration(protocol::Nanoseconds now);
  [[nodiscard]] const protocol::DurationHistogram& histogram() const { return histogram_; }

  // The most arrival times of one iteration that are kept apart. Later ones count with the last: it is rare that
  // replies of more iterations than a connection may have waiting (kMaxWaitingIterations) are acknowledged at once.
  static constexpr std::size_t kMost = 64;

 private:
  struct Answered {
    protocol::Nanoseconds since{};
    std::uint64_t count = 0;
  };
  std::array<Answered, kMost> answered_{};
  std::size_t used_ = 0;
  protocol::DurationHistogram histogram_;
};

struct CommandFigures {
  CommandCounters counts;
  CommandTimes times;
};

}  // namespace herd::node
