#include "node/clients/commands.hpp"

#include <spdlog/spdlog.h>

#include <array>
#include <span>
#include <string>
#include <utility>
#include <variant>

#include "node/base/limits.hpp"
#include "node/places/document.hpp"
#include "protocol/coordinates.hpp"
#include "protocol/overloaded.hpp"
#include "protocol/reply.hpp"

namespace herd::node {
namespace {

// Appends one reply by `append(out)`, and logs it if the line is logged.
template <typename Append>
void reply(const Line& line, std::string& out, Append append) {
  const std::size_t before = out.size();
  append(out);
  if (line.is_logged) {
    const auto text = std::string_view(out).substr(before);
    spdlog::debug("event=reply to={} text={}", line.from, protocol::escape_for_log(text));
  }
}

protocol::AtLine at_line_of(const bus::RecordView& record) {
  return {record.origin, record.difference, record.client, record.coordinates, record.time_text};
}

}  // namespace

void Commands::prefetch(Lines& lines) const {
  std::array<bus::Store::ClientKey, kLinesAhead> key_of;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto* iamat = std::get_if<protocol::Iamat>(&lines[i].command);
    key_of[i].client = iamat != nullptr ? iamat->client : std::string_view();
  }
  parts_.replica.store().look_ahead(std::span(key_of).first(lines.size()));
  for (std::size_t i = 0; i < lines.size(); ++i) lines[i].key_of = key_of[i];
}

std::optional<Lookup> Commands::execute(const Line& line, ReplyQueue& replies) {
  if (line.is_logged) {
    spdlog::debug("event=command from={} text={}", line.from, protocol::escape_for_log(line.text));
  }
  std::optional<Lookup> lookup;
  std::visit(protocol::Overloaded{
                 [](const protocol::BlankLine&) {},
                 [&](const protocol::Iamat& report) { iamat(line, report, replies); },
                 [&](const protocol::Whatsat& query) { lookup = whatsat(line, query, replies); },
                 [&](const protocol::UnknownCommand&) {
                   ++parts_.counters.unknown_commands;
                   unknown(line, replies);
                 },
                 [](const protocol::HttpLine&) {},  // the session handles it before it comes here
                 [&](const protocol::InvalidArguments& arguments) { invalid(line, arguments.reason, replies); },
             },
             line.command);
  return lookup;
}

void Commands::iamat(const Line& line, const protocol::Iamat& report, ReplyQueue& replies) {
  // Only the origin judges a client's clock. If each node judged it again by its own clock, stores would diverge.
  const protocol::Now& now = parts_.clock.now();
  if (report.time > now.wall + parts_.config.max_future) {
    invalid(line, "time is further ahead of the node's clock than `max_future` allows", replies);
    return;
  }
  if (!may_store(report.client)) {
    ++parts_.counters.clients_refused;
    refuse(line, {ClientWarning::ClientRefused, "client_refused", "max_clients is reached, and this client is new"},
           replies);
    return;
  }
  const bool is_prefetched = !line.key_of.client.empty();
  const bus::AcceptOutcome outcome =
      is_prefetched ? parts_.replica.accept(report, now, line.key_of) : parts_.replica.accept(report, now);
  // AT and IGNORE both promise that this report, or a newer one, will not be lost. So both wait for its
  // acknowledgement.
  std::string& out = outcome.number > parts_.replica.acknowledged()
                         ? replies.tail_when_acknowledged(outcome.number, now.steady)
                         : replies.tail();
  switch (outcome.result) {
    case bus::Accepted::Stored:
      ++parts_.counters.iamat_stored;
      break;
    case bus::Accepted::NotNewer:
      ++parts_.counters.iamat_not_newer;
      break;
    case bus::Accepted::Duplicate:
      ++parts_.counters.iamat_duplicate;
      reply(line, out, protocol::append_ignore);
      return;
  }
  reply(line, out, [&](std::string& text) {
    protocol::append_at(
        text, {parts_.replica.self().node, outcome.difference, report.client, report.coordinates, report.time_text});
  });
}

std::optional<Lookup> Commands::whatsat(const Line& line, const protocol::Whatsat& query, ReplyQueue& replies) {
  ++parts_.counters.whatsat;
  const auto record = parts_.replica.find(query.client);
  // After a reset by an operator, a client's record has no coordinates until the client reports again.
  const auto position = record ? protocol::parse_coordinates(record->coordinates) : protocol::refuse("not known");
  if (!position) {
    unknown(line, replies);
    return std::nullopt;
  }
  if (query.max == 0) {
    reply(line, replies.tail(), [&](std::string& out) {
      protocol::append_at(out, at_line_of(*record));
      out.append(places::empty_document(places::Status::Ok)).append(kAfterDocument);
    });
    return std::nullopt;
  }
  std::string beginning;
  protocol::append_at(beginning, at_line_of(*record));
  const places::Query places_query{position->latitude, position->longitude, query.radius_km, query.max};
  return Lookup{replies.reserve(std::move(beginning)), places_query};
}

void Commands::unknown(const Line& line, ReplyQueue& replies) {
  reply(line, replies.tail(), [&](std::string& out) { protocol::append_unknown(out, line.text); });
}

// Only reports that come to this node are refused, and only of new clients. Updates from peers are merged beyond the
// limit as well; otherwise the stores of nodes with different limits or different clients would diverge.
bool Commands::may_store(std::string_view client) const {
  return parts_.replica.store().size() < parts_.config.max_clients || parts_.replica.find(client);
}

void Commands::invalid(const Line& line, std::string_view reason, ReplyQueue& replies) {
  ++parts_.counters.invalid_arguments;
  refuse(line, {ClientWarning::InvalidArguments, "invalid_arguments", reason}, replies);
}

void Commands::refuse(const Line& line, const Refusal& refusal, ReplyQueue& replies) {
  if (parts_.warnings.allows(refusal.kind, parts_.clock.now())) {
    spdlog::warn("event={} from={} reason=\"{}\" text={}", refusal.event, line.from, refusal.reason,
                 protocol::escape_for_log(line.text));
  }
  switch (parts_.config.invalid_arguments) {
    case InvalidArgumentsPolicy::Drop:
      break;
    case InvalidArgumentsPolicy::Reply:
      unknown(line, replies);
      break;
  }
}

}  // namespace herd::node
