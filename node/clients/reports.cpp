#include "node/clients/reports.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace herd::node {

void Reports::take(const ReportRequest& request, Done done) {
  if (stops_) return done({ReportAnswer::Kind::Stopping});
  const protocol::Now& now = parts_.clock.now();
  Access access(parts_.authenticator, 0);
  access.use(request.token);
  if (access.update(now.wall) != nullptr || access.is_locked()) return done({ReportAnswer::Kind::Revoked});
  const bool is_logged = spdlog::should_log(spdlog::level::debug);
  Waiting waiting{.number = 0, .came = now.steady, .outcomes = {}, .done = std::move(done)};
  waiting.outcomes.reserve(request.lines.size());
  for (const std::string& text : request.lines) {
    const Commands::Report report = parts_.commands.report(Line(text, request.from, is_logged), access);
    waiting.number = std::max(waiting.number, report.accepted.number);
    waiting.outcomes.push_back(report.outcome);
  }
  if (waiting.number <= parts_.replica.acknowledged()) {
    complete(std::move(waiting), ReportAnswer::Kind::Acknowledged);
  } else {
    waiting_.push_back(std::move(waiting));
  }
}

void Reports::release(bus::ChangeNumber acknowledged) {
  const auto first = std::stable_partition(waiting_.begin(), waiting_.end(),
                                           [&](const Waiting& one) { return one.number > acknowledged; });
  std::vector<Waiting> released(std::make_move_iterator(first), std::make_move_iterator(waiting_.end()));
  waiting_.erase(first, waiting_.end());
  for (Waiting& one : released) complete(std::move(one), ReportAnswer::Kind::Acknowledged);
}

bus::ChangeNumber Reports::awaited() const {
  bus::ChangeNumber awaited = 0;
  for (const Waiting& one : waiting_) awaited = std::max(awaited, one.number);
  return awaited;
}

protocol::Nanoseconds Reports::patience() const {
  return std::min<protocol::Nanoseconds>(parts_.ack_timeout, kReportPatience);
}

void Reports::end_overdue() {
  const protocol::Nanoseconds since = parts_.clock.now().steady - patience();
  while (!waiting_.empty() && waiting_.front().came <= since) {
    Waiting overdue = std::move(waiting_.front());
    waiting_.erase(waiting_.begin());
    complete(std::move(overdue), ReportAnswer::Kind::Unacknowledged);
  }
}

std::optional<protocol::Nanoseconds> Reports::next_deadline() const {
  if (waiting_.empty()) return std::nullopt;
  return waiting_.front().came + patience();
}

void Reports::complete(Waiting waiting, ReportAnswer::Kind kind) {
  parts_.times.answered(waiting.came, waiting.outcomes.size());
  waiting.done({kind, std::move(waiting.outcomes)});
}

}  // namespace herd::node
