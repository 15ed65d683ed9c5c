#include "node/clients/commands.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <array>
#include <iterator>
#include <span>
#include <string>
#include <utility>
#include <variant>

#include "node/area/at_line.hpp"
#include "node/base/limits.hpp"
#include "node/clients/command_list.hpp"
#include "node/places/document.hpp"
#include "protocol/coordinates.hpp"
#include "protocol/overloaded.hpp"
#include "protocol/reply.hpp"

namespace herd::node {
namespace {

constexpr std::string_view kSecretText = "[not logged]";
constexpr std::string_view kUnknown = "unknown command";
constexpr std::string_view kNotKnown = "the client is not known: it has not reported yet, or was reset";

// Whether the command works before AUTH.
bool is_free(const protocol::Command& command) {
  return std::visit(
      protocol::Overloaded{
          [](const protocol::BlankLine&) { return true; },     [](const protocol::Iamat&) { return false; },
          [](const protocol::Whatsat&) { return false; },      [](const protocol::Whereis&) { return false; },
          [](const protocol::Near&) { return false; },         [](const protocol::Within&) { return false; },
          [](const protocol::Count&) { return false; },        [](const protocol::Watch&) { return false; },
          [](const protocol::Unwatch&) { return false; },      [](const protocol::Auth&) { return true; },
          [](const protocol::ClientPing&) { return true; },    [](const protocol::Info&) { return true; },
          [](const protocol::Help&) { return true; },          [](const protocol::Why&) { return true; },
          [](const protocol::Quit&) { return true; },          [](const protocol::UnknownCommand&) { return false; },
          [](const protocol::HttpLine&) { return true; },      [](const protocol::InvalidArguments&) { return false; },
          [](const protocol::RefusedQuery&) { return false; },
      },
      command);
}

}  // namespace

bool may_log(std::string_view line, const Access& access) {
  return !access.is_locked() && !protocol::is_secret(line);
}

std::string text_for_log(std::string_view line, const Access& access) {
  return may_log(line, access) ? protocol::escape_for_log(line) : std::string(kSecretText);
}

void Commands::prefetch(Lines& lines) const {
  std::array<bus::Store::ClientKey, kLinesAhead> key_of;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto* iamat = std::get_if<protocol::Iamat>(&lines[i].command);
    key_of[i].client = iamat != nullptr ? iamat->client : std::string_view();
  }
  parts_.replica.store().look_ahead(std::span(key_of).first(lines.size()));
  for (std::size_t i = 0; i < lines.size(); ++i) lines[i].key_of = key_of[i];
}

Outstanding Commands::execute(const Line& line, Caller& caller, ReplyQueue& replies) {
  CommandResult result = CommandResult::Answered;
  Outstanding outstanding = run({line, caller, replies, result});
  parts_.figures.count(line.command, line.text, result);
  return outstanding;
}

Outstanding Commands::run(const Call& call) {
  const Line& line = call.line;
  Caller& caller = call.caller;
  if (line.is_logged) {
    spdlog::debug("event=command from={} text={}", line.from, text_for_log(line.text, caller.access));
  }
  if (caller.access.is_locked() && !is_free(line.command)) {
    not_allowed(call, "send AUTH and a token first");
    return {};
  }
  // Executes a command that `commands = "seed"` makes unknown.
  const auto added = [&](auto execute) {
    if (are_seed_only()) {
      unknown(call, kUnknown);
    } else {
      execute();
    }
  };
  Outstanding outstanding;
  std::visit(
      protocol::Overloaded{
          [](const protocol::BlankLine&) {},
          [&](const protocol::Iamat& report) { iamat(call, report); },
          [&](const protocol::Whatsat& asked) {
            if (const auto lookup = whatsat(call, asked)) outstanding = *lookup;
          },
          [&](const protocol::Whereis& asked) { added([&] { whereis(call, asked); }); },
          [&](const protocol::Near& asked) { added([&] { outstanding = ask(call, QueryCommand::Near, asked); }); },
          [&](const protocol::Within& asked) { added([&] { outstanding = ask(call, QueryCommand::Within, asked); }); },
          [&](const protocol::Count& asked) { added([&] { outstanding = ask(call, QueryCommand::Count, asked); }); },
          [&](const protocol::Watch& command) { added([&] { watch(call, command); }); },
          [&](const protocol::Unwatch& command) { added([&] { unwatch(call, command); }); },
          [&](const protocol::Auth&) { unknown(call, "unknown command: this node needs no tokens"); },
          [&](const protocol::ClientPing& command) { added([&] { ping(call, command); }); },
          [&](const protocol::Info&) { added([&] { info(call); }); },
          [&](const protocol::Help& command) { added([&] { help(call, command); }); },
          [&](const protocol::Why&) { added([&] { why(call); }); },
          [&](const protocol::Quit&) { added([] {}); },
          [&](const protocol::UnknownCommand& command) { unknown(call, command.reason); },
          [](const protocol::HttpLine&) {},
          [&](const protocol::InvalidArguments& arguments) { invalid(call, arguments.reason); },
          [&](const protocol::RefusedQuery& query) { added([&] { refused(call, query.reason); }); },
      },
      line.command);
  return outstanding;
}

template <typename Append>
void Commands::reply(const Call& call, std::string& out, Append append) {
  const std::size_t before = out.size();
  append(out);
  if (call.line.is_logged) {
    // The reply to a line with a token may be a copy of it.
    const auto text = may_log(call.line.text, call.caller.access) ? std::string_view(out).substr(before) : kSecretText;
    spdlog::debug("event=reply to={} text={}", call.line.from, protocol::escape_for_log(text));
  }
}

Commands::Report Commands::accept(const Line& line, const protocol::Iamat& report, const Access& access) {
  if (!access.may_tell(report.client)) {
    return {ReportOutcome::NotAllowed,
            {},
            "the token of this connection may not report this client: see `tell` in the answer to AUTH"};
  }
  // Only the origin judges a client's clock. If each node judged it again by its own clock, stores would diverge.
  const protocol::Now& now = parts_.clock.now();
  if (report.time > now.wall + parts_.config.max_future) {
    return {ReportOutcome::Future, {}, "time is further ahead of the node's clock than `max_future` allows"};
  }
  if (!may_store(report.client)) {
    ++parts_.counters.clients_refused;
    return {ReportOutcome::Full, {}, "max_clients is reached, and this client is new"};
  }
  const bool is_prefetched = !line.key_of.client.empty();
  Report accepted;
  accepted.accepted =
      is_prefetched ? parts_.replica.accept(report, now, line.key_of) : parts_.replica.accept(report, now);
  switch (accepted.accepted.result) {
    case bus::Accepted::Stored:
      ++parts_.counters.iamat_stored;
      break;
    case bus::Accepted::NotNewer:
      accepted.outcome = ReportOutcome::NotNewer;
      ++parts_.counters.iamat_not_newer;
      break;
    case bus::Accepted::Duplicate:
      accepted.outcome = ReportOutcome::Duplicate;
      ++parts_.counters.iamat_duplicate;
      break;
  }
  return accepted;
}

void Commands::iamat(const Call& call, const protocol::Iamat& report) {
  const Report accepted = accept(call.line, report, call.caller.access);
  switch (accepted.outcome) {
    case ReportOutcome::NotAllowed:
      return not_allowed(call, accepted.reason);
    case ReportOutcome::Invalid:
    case ReportOutcome::Future:
      return invalid(call, accepted.reason);
    case ReportOutcome::Full:
      return refuse(call, {ClientWarning::ClientRefused, "client_refused", accepted.reason});
    case ReportOutcome::Stored:
    case ReportOutcome::NotNewer:
    case ReportOutcome::Duplicate:
      break;
  }
  // AT and IGNORE both promise that this report, or a newer one, will not be lost. So both wait for its
  // acknowledgement.
  const bus::AcceptOutcome& outcome = accepted.accepted;
  std::string& out = outcome.number > parts_.replica.acknowledged()
                         ? call.replies.tail_when_acknowledged(outcome.number, parts_.clock.now().steady)
                         : call.replies.tail();
  if (accepted.outcome == ReportOutcome::Duplicate) return reply(call, out, protocol::append_ignore);
  reply(call, out, [&](std::string& text) {
    protocol::append_at(
        text, {parts_.replica.self().node, outcome.difference, report.client, report.coordinates, report.time_text});
  });
}

bool Commands::may_query(const Call& call) {
  if (call.caller.access.may_query()) return true;
  not_allowed(call, "the token of this connection has level=events, which permits no queries");
  return false;
}

std::optional<Lookup> Commands::whatsat(const Call& call, const protocol::Whatsat& query) {
  if (!may_query(call)) return std::nullopt;
  ++parts_.counters.whatsat;
  const bool is_visible = call.caller.access.may_see(query.client);
  const auto record = is_visible ? parts_.replica.find(query.client) : std::nullopt;
  // After a reset by an operator, a client's record has no coordinates until the client reports again.
  const auto position = record ? protocol::parse_coordinates(record->coordinates) : protocol::refuse("not known");
  if (!position) {
    copy_line(call, kNotKnown);
    return std::nullopt;
  }
  if (query.max == 0) {
    reply(call, call.replies.tail(), [&](std::string& out) {
      protocol::append_at(out, area::at_line_of(*record));
      out.append(places::empty_document(places::Status::Ok)).append(kAfterDocument);
    });
    return std::nullopt;
  }
  std::string beginning;
  protocol::append_at(beginning, area::at_line_of(*record));
  const places::Query places_query{position->latitude, position->longitude, query.radius_km, query.max};
  return Lookup{call.replies.reserve(std::move(beginning)), places_query};
}

void Commands::whereis(const Call& call, const protocol::Whereis& query) {
  if (!may_query(call)) return;
  QueryCounters& counters = parts_.asking.counters();
  const bool is_visible = call.caller.access.may_see(query.client);
  const auto record = is_visible ? parts_.replica.find(query.client) : std::nullopt;
  if (!record || bus::is_reset(*record)) {
    counters.count(QueryCommand::Whereis, QueryResult::Refused);
    copy_line(call, kNotKnown);
    return;
  }
  counters.count(QueryCommand::Whereis, QueryResult::Answered);
  reply(call, call.replies.tail(), [&](std::string& out) { protocol::append_at(out, area::at_line_of(*record)); });
}

// Answers a NEAR, WITHIN or COUNT at once if that is possible.
Outstanding Commands::ask(const Call& call, QueryCommand command, const area::Query::Asked& asked) {
  if (!may_query(call)) return {};
  const Access& access = call.caller.access;
  area::Visible visible;
  if (access.is_on()) {
    visible = [token = access.shared_token()](std::string_view client) { return token->see.allow(client); };
  }
  Asking& asking = parts_.asking;
  auto query = std::make_unique<area::Query>(asking.parts(), asked, std::move(visible));
  switch (query->begin(parts_.clock.now().wall)) {
    case area::Query::Begun::Refused:
      asking.counters().count(command, QueryResult::Refused);
      copy_line(call, query->reason());
      return {};
    case area::Query::Begun::Running:
      break;
  }
  Asking::Running running{command, std::move(query)};
  if (const auto answer = asking.run(running)) {
    reply(call, call.replies.tail(), [&](std::string& out) { out.append(*answer); });
    return {};
  }
  return PendingQuery{call.replies.reserve({}), std::move(running)};
}

void Commands::watch(const Call& call, const protocol::Watch& command) {
  Caller& caller = call.caller;
  if (!caller.watcher) {
    // A reload may change the rights while the watches run.
    const auto sees = [&access = caller.access](std::string_view client) {
      return !access.is_locked() && access.may_see(client);
    };
    caller.watcher = parts_.asking.new_watcher({sees, !caller.access.may_query()}, caller.key);
  }
  const auto result = parts_.asking.watch(*caller.watcher, command);
  if (const auto* refused = std::get_if<watches::Watcher::Refused>(&result)) {
    copy_line(call, refused->reason);
    return;
  }
  reply(call, call.replies.tail(),
        [&](std::string& out) { out.append(std::get<watches::Watcher::Accepted>(result).line); });
}

void Commands::unwatch(const Call& call, const protocol::Unwatch& command) {
  const auto line = call.caller.watcher ? call.caller.watcher->unwatch(command.tag) : std::nullopt;
  if (line) {
    reply(call, call.replies.tail(), [&](std::string& out) { out.append(*line); });
  } else {
    copy_line(call, "this connection has no watch with that tag");
  }
}

void Commands::ping(const Call& call, const protocol::ClientPing& ping) {
  reply(call, call.replies.tail(), [&](std::string& out) {
    out.append("PONG");
    if (!ping.word.empty()) out.append(" ").append(ping.word);
    out.append("\n");
  });
}

void Commands::help(const Call& call, const protocol::Help& help) {
  std::string lines;
  if (!append_help(lines, help.command, call.caller.access)) {
    ++parts_.counters.invalid_arguments;
    copy_line(call, "no such command works on this connection: HELP lists those that do");
    return;
  }
  reply(call, call.replies.tail(), [&](std::string& out) { out.append(lines); });
}

void Commands::info(const Call& call) {
  constexpr protocol::Nanoseconds kSecond = std::chrono::seconds(1);
  const protocol::Nanoseconds wall = parts_.clock.now().wall;
  const auto& self = parts_.replica.self();
  reply(call, call.replies.tail(), [&](std::string& out) {
    fmt::format_to(std::back_inserter(out),
                   "INFO herd={} node={} version={} protocol=1 auth={} tls={} time={}.{:09} max_line={} commands={}\n",
                   self.herd, self.node, HERD_VERSION, call.caller.access.kind(), call.caller.tls ? "on" : "off",
                   wall / kSecond, (wall % kSecond).count(), call.caller.max_line_bytes,
                   commands_of(call.caller.access));
  });
}

void Commands::why(const Call& call) {
  const std::string_view refusal = call.caller.refusal;
  reply(call, call.replies.tail(),
        [&](std::string& out) { out.append("WHY ").append(refusal.empty() ? "-" : refusal).append("\n"); });
}

void Commands::unknown(const Call& call, std::string_view reason) {
  ++parts_.counters.unknown_commands;
  call.result = CommandResult::Unknown;
  copy_line(call, reason);
}

void Commands::refused(const Call& call, std::string_view reason) {
  ++parts_.counters.invalid_arguments;
  call.result = CommandResult::Invalid;
  copy_line(call, reason);
}

// Only reports that come to this node are refused, and only of new clients. Updates from peers are merged beyond the
// limit as well; otherwise the stores of nodes with different limits or different clients would diverge.
bool Commands::may_store(std::string_view client) const {
  return parts_.replica.store().size() < parts_.config.max_clients || parts_.replica.find(client);
}

void Commands::invalid(const Call& call, std::string_view reason) {
  ++parts_.counters.invalid_arguments;
  call.result = CommandResult::Invalid;
  refuse(call, {ClientWarning::InvalidArguments, "invalid_arguments", reason});
}

void Commands::not_allowed(const Call& call, std::string_view reason) {
  ++parts_.counters.lines_not_allowed;
  const Token* token = call.caller.access.token();
  if (parts_.warnings.allows(ClientWarning::NotAllowed, parts_.clock.now())) {
    spdlog::warn("event=not_allowed from={} token={} reason=\"{}\" text={}", call.line.from,
                 token != nullptr ? token->name : "-", reason, text_for_log(call.line.text, call.caller.access));
  }
  copy_line(call, reason);
}

void Commands::refuse(const Call& call, const Refusal& refusal) {
  if (call.result == CommandResult::Answered) call.result = CommandResult::Refused;
  if (parts_.warnings.allows(refusal.kind, parts_.clock.now())) {
    spdlog::warn("event={} from={} reason=\"{}\" text={}", refusal.event, call.line.from, refusal.reason,
                 protocol::escape_for_log(call.line.text));
  }
  switch (parts_.config.invalid_arguments) {
    case InvalidArgumentsPolicy::Drop:
      call.caller.refusal = refusal.reason;
      break;
    case InvalidArgumentsPolicy::Reply:
      copy_line(call, refusal.reason);
      break;
  }
}

void Commands::copy_line(const Call& call, std::string_view reason) {
  call.caller.refusal = reason;
  if (call.result == CommandResult::Answered) call.result = CommandResult::Refused;
  reply(call, call.replies.tail(), [&](std::string& out) { protocol::append_unknown(out, call.line.text); });
}

}  // namespace herd::node
