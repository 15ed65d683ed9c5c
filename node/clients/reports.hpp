// Reports that come without a connection of the line protocol: those of phones over HTTP (node/api/phone_pages.hpp).
// Each is the text of an IAMAT, and is executed as a line is: with the same commands, counters and limits. A request
// has one or more of them. Its answer waits until all of its reports are acknowledged, as `[updates]` demands, but not
// longer than ack_timeout and kReportPatience.
//
// Owned by the front end, used on the loop's thread only. The HTTP side bounds how many requests are under way.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bus/replica/replica.hpp"
#include "node/base/loop_clock.hpp"
#include "node/clients/access.hpp"
#include "node/clients/command_figures.hpp"
#include "node/clients/commands.hpp"
#include "protocol/clock.hpp"

namespace herd::node {

// The longest wait for an acknowledgement. Less than Limits::answer_time of the HTTP server, which says less.
inline constexpr protocol::Nanoseconds kReportPatience = std::chrono::seconds(4);

struct ReportRequest {
  std::shared_ptr<const Token> token;  // gives the rights; nullptr: no token is needed
  std::string from;                    // for the log
  std::vector<std::string> lines;      // `IAMAT <client> <coordinates> <time>`, the oldest first
};

struct ReportAnswer {
  enum class Kind : std::uint8_t {
    Acknowledged,
    Unacknowledged,  // not in time; the reports may be stored all the same
    Revoked,         // the token was revoked or has expired; nothing was reported
    Stopping,        // the node stops; nothing was reported
  };
  Kind kind = Kind::Acknowledged;
  std::vector<ReportOutcome> outcomes = {};  // of each line, in their order; empty if nothing was reported
};

class Reports {
 public:
  struct Parts {
    Commands& commands;
    Authenticator& authenticator;
    const bus::Replica& replica;
    CommandTimes& times;
    const LoopClock& clock;
    const std::chrono::milliseconds& ack_timeout;
  };
  // The parts must outlive it.
  explicit Reports(const Parts& parts) : parts_(parts) {}

  // Reports, and calls `done` once: now, or from one of the functions below.
  using Done = std::function<void(ReportAnswer)>;
  void take(const ReportRequest& request, Done done);

  // As of the front end.
  void release(bus::ChangeNumber acknowledged);
  [[nodiscard]] bus::ChangeNumber awaited() const;

  // Answers the requests that have waited too long. Call it once per loop iteration.
  void end_overdue();
  // When end_overdue() must be called, in steady time; nullopt: never.
  [[nodiscard]] std::optional<protocol::Nanoseconds> next_deadline() const;

  // Refuses further requests. Those that wait are still answered.
  void stop() { stops_ = true; }
  // After stop(): whether no request waits.
  [[nodiscard]] bool idle() const { return waiting_.empty(); }

 private:
  struct Waiting {
    bus::ChangeNumber number = 0;  // that must be acknowledged
    protocol::Nanoseconds came{};  // in steady time
    std::vector<ReportOutcome> outcomes;
    Done done;
  };

  [[nodiscard]] protocol::Nanoseconds patience() const;
  void complete(Waiting waiting, ReportAnswer::Kind kind);

  Parts parts_;
  std::vector<Waiting> waiting_;  // in the order of their arrival
  bool stops_ = false;
};

}  // namespace herd::node
