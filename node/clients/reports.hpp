// Executes reports that do not come over a connection of the line protocol: those of phones over HTTP
// (node/api/phone_pages.hpp). Each report is the text of an IAMAT, and is executed like such a line: with the same
// commands, counters and limits. A request has one or more reports. Its answer waits until all of them are
// acknowledged, as `[updates]` demands, but at most for the shorter one of ack_timeout and kReportPatience.
//
// Owned by the front end; loop thread only. node/api/phone_queue.hpp bounds the number of requests under way.
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

// The longest wait for an acknowledgement, also if ack_timeout is longer. It is shorter than Limits::answer_time of the
// HTTP server (5 s), after which the server would answer 503 without this reason.
inline constexpr protocol::Nanoseconds kReportPatience = std::chrono::seconds(4);

struct ReportRequest {
  std::shared_ptr<const Token> token;  // the rights of the request; nullptr: none, which is Revoked if one is needed
  std::string from;                    // the sender for the log, such as "http:owntracks"
  std::vector<std::string> lines;      // `IAMAT <client> <coordinates> <time>`, the oldest first
};

struct ReportAnswer {
  enum class Kind : std::uint8_t {
    Acknowledged,
    Unacknowledged,  // not acknowledged in time; the reports may be stored nevertheless
    Revoked,         // the token was revoked or has expired; no report was executed
    Stopping,        // the node stops; no report was executed
  };
  Kind kind = Kind::Acknowledged;
  std::vector<ReportOutcome> outcomes = {};  // one for each line, in their order; empty if no report was executed
};

class Reports {
 public:
  struct Parts {
    Commands& commands;
    Authenticator& authenticator;
    const bus::Replica& replica;
    CommandTimes& times;
    const LoopClock& clock;
    const std::chrono::milliseconds& ack_timeout;  // a reload may change it
  };
  // The parts must outlive this object.
  explicit Reports(const Parts& parts) : parts_(parts) {}

  // Executes the reports of the request. Calls `done` once: before it returns, or later in release() or end_overdue().
  // `done` runs on the loop thread and must not block.
  using Done = std::function<void(ReportAnswer)>;
  void take(const ReportRequest& request, Done done);

  // Updates up to and including this change number are acknowledged: answers the requests that waited for them.
  void release(bus::ChangeNumber acknowledged);
  // The greatest change number that a request waits for; 0 if none waits.
  [[nodiscard]] bus::ChangeNumber awaited() const;

  // Answers the requests that have waited too long. Call it once per loop iteration.
  void end_overdue();
  // When end_overdue() must be called, in steady time; nullopt: never.
  [[nodiscard]] std::optional<protocol::Nanoseconds> next_deadline() const;

  // take() refuses further requests with Stopping. Requests that wait are still answered.
  void stop() { stops_ = true; }
  // Whether no request waits.
  [[nodiscard]] bool idle() const { return waiting_.empty(); }

 private:
  struct Waiting {
    bus::ChangeNumber number = 0;  // the greatest one of its reports, which must be acknowledged
    protocol::Nanoseconds came{};  // when take() was called, in steady time
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
