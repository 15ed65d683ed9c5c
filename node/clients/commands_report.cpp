// The part of node/clients/commands.hpp that takes reports without a connection.
#include <spdlog/spdlog.h>

#include <string_view>
#include <variant>

#include "node/clients/commands.hpp"
#include "protocol/reply.hpp"

namespace herd::node {
namespace {

CommandResult result_of(ReportOutcome outcome) {
  switch (outcome) {
    case ReportOutcome::Stored:
    case ReportOutcome::NotNewer:
    case ReportOutcome::Duplicate:
      return CommandResult::Answered;
    case ReportOutcome::NotAllowed:
    case ReportOutcome::Full:
      return CommandResult::Refused;
    case ReportOutcome::Invalid:
    case ReportOutcome::Future:
      break;
  }
  return CommandResult::Invalid;
}

}  // namespace

Commands::Report Commands::report(const Line& line, const Access& access) {
  if (line.is_logged) spdlog::debug("event=report from={} text={}", line.from, protocol::escape_for_log(line.text));
  Report report{ReportOutcome::Invalid, {}, "it is no IAMAT"};
  if (access.is_locked()) {
    report = {ReportOutcome::NotAllowed, {}, "a token is needed"};
  } else if (const auto* iamat = std::get_if<protocol::Iamat>(&line.command)) {
    report = accept(line, *iamat, access);
  } else if (const auto* invalid = std::get_if<protocol::InvalidArguments>(&line.command)) {
    report.reason = invalid->reason;
  }
  parts_.figures.count(line.command, line.text, result_of(report.outcome));
  const auto warn = [&](ClientWarning kind, std::string_view event) {
    if (!parts_.warnings.allows(kind, parts_.clock.now())) return;
    const Token* token = access.token();
    spdlog::warn("event={} from={} token={} reason=\"{}\" text={}", event, line.from,
                 token != nullptr ? token->name : "-", report.reason, protocol::escape_for_log(line.text));
  };
  switch (report.outcome) {
    case ReportOutcome::Stored:
    case ReportOutcome::NotNewer:
    case ReportOutcome::Duplicate:
      break;
    case ReportOutcome::NotAllowed:
      ++parts_.counters.lines_not_allowed;
      warn(ClientWarning::NotAllowed, "not_allowed");
      break;
    case ReportOutcome::Invalid:
    case ReportOutcome::Future:
      ++parts_.counters.invalid_arguments;
      warn(ClientWarning::InvalidArguments, "invalid_arguments");
      break;
    case ReportOutcome::Full:  // accept() has counted it
      warn(ClientWarning::ClientRefused, "client_refused");
      break;
  }
  return report;
}

}  // namespace herd::node
