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
#include "protocol/reply.hpp"

namespace herd::node {
namespace {

template <typename... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <typename... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

// Appends one reply by `append(text)`. It is formatted for the log only if the log wants it.
template <typename Append>
void reply(const Line& line, std::string& out, Append append) {
  const std::size_t before = out.size();
  append(out);
  if (line.is_logged) {
    const auto said = std::string_view(out).substr(before);
    spdlog::debug("event=reply to={} text={}", line.from, protocol::escape_for_log(said));
  }
}

protocol::AtLine at_line_of(const bus::RecordView& record) {
  return {record.origin, record.difference, record.client, record.coordinates, record.time_text};
}

}  // namespace

void Commands::expect(Lines& lines) const {
  std::array<bus::Store::ClientKey, kLinesAhead> key_of;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto* said = std::get_if<protocol::Iamat>(&lines[i].command);
    key_of[i].client = said != nullptr ? said->client : std::string_view();
  }
  parts_.replica.store().look_ahead(std::span(key_of).first(lines.size()));
  for (std::size_t i = 0; i < lines.size(); ++i) lines[i].key_of = key_of[i];
}

std::optional<Lookup> Commands::execute(const Line& line, ReplyQueue& replies) {
  if (line.is_logged) {
    spdlog::debug("event=command from={} text={}", line.from, protocol::escape_for_log(line.text));
  }
  std::optional<Lookup> lookup;
  std::visit(Overloaded{
                 [](const protocol::BlankLine&) {},
                 [&](const protocol::Iamat& said) { iamat(line, said, replies); },
                 [&](const protocol::Whatsat& asked) { lookup = whatsat(line, asked, replies); },
                 [&](const protocol::UnknownCommand&) {
                   ++parts_.counters.unknown_commands;
                   unknown(line, replies);
                 },
                 [](const protocol::HttpLine&) {},  // the session's: it ends
                 [&](const protocol::InvalidArguments& arguments) { invalid(line, arguments.reason, replies); },
             },
             line.command);
  return lookup;
}

void Commands::iamat(const Line& line, const protocol::Iamat& said, ReplyQueue& replies) {
  // Only here, where the client is heard, its clock is judged: nodes that judged it again would come apart.
  const protocol::Now& now = parts_.clock.now();
  if (said.time > now.wall + parts_.config.max_future) {
    invalid(line, "time is further ahead of the node's clock than `max_future` allows", replies);
    return;
  }
  if (!has_room_for(said.client)) {
    ++parts_.counters.clients_refused;
    refuse(line, {ClientWarning::ClientRefused, "client_refused", "max_clients is reached, and this client is new"},
           replies);
    return;
  }
  const bool expected = !line.key_of.client.empty();
  const bus::AcceptOutcome outcome =
      expected ? parts_.replica.accept(said, now, line.key_of) : parts_.replica.accept(said, now);
  // Both AT and IGNORE say that this report, or a newer one, will not be lost: neither may leave before that is so.
  std::string& out = outcome.number > parts_.replica.acknowledged() ? replies.tail_trailer(outcome.number, now.steady)
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
    protocol::append_at(text,
                        {parts_.replica.name(), outcome.difference, said.client, said.coordinates, said.time_text});
  });
}

std::optional<Lookup> Commands::whatsat(const Line& line, const protocol::Whatsat& asked, ReplyQueue& replies) {
  ++parts_.counters.whatsat;
  const auto record = parts_.replica.find(asked.client);
  // A client that an operator has reset has a record without coordinates until it is heard again.
  const auto position = record ? protocol::parse_coordinates(record->coordinates) : protocol::refuse("not known");
  if (!position) {
    unknown(line, replies);
    return std::nullopt;
  }
  if (asked.max == 0) {
    reply(line, replies.tail(), [&](std::string& out) {
      protocol::append_at(out, at_line_of(*record));
      out.append(places::empty_document(places::Status::Ok)).append(kAfterDocument);
    });
    return std::nullopt;
  }
  std::string beginning;
  protocol::append_at(beginning, at_line_of(*record));
  const places::Query query{position->latitude, position->longitude, asked.radius_km, asked.max};
  return Lookup{replies.reserve(std::move(beginning)), query};
}

void Commands::unknown(const Line& line, ReplyQueue& replies) {
  reply(line, replies.tail(), [&](std::string& out) { protocol::append_unknown(out, line.text); });
}

// Only new clients are refused, and only here: what peers were told is merged beyond the limit as well, or nodes with
// other limits, or other clients, would come apart.
bool Commands::has_room_for(std::string_view client) const {
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
