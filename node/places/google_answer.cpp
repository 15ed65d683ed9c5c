#include "node/places/google_answer.hpp"

#include <fmt/format.h>

#include <utility>

#include "protocol/unreachable.hpp"

namespace herd::node::places {
namespace {

using nlohmann::json;

// Whether the brackets outside strings are nested at most kMaxJsonDepth deep. The parser has no such limit.
bool is_shallow(std::string_view text) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '\\') {
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && (c == '[' || c == '{')) {
      if (++depth > kMaxJsonDepth) return false;
    } else if (!quoted && (c == ']' || c == '}')) {
      --depth;
    }
  }
  return true;
}

std::string_view advice(Status status) {
  switch (status) {
    case Status::OverQueryLimit:
      return "says that the quota is used up: ask again later, or raise the quota of the key's project";
    case Status::RequestDenied:
      return "denies the request: check the key, and that its project has billing and this API enabled";
    case Status::InvalidRequest:
      return "calls the request invalid: check its URL in [places]";
    case Status::Ok:
    case Status::ZeroResults:
    case Status::UnknownError:
      return "could not answer: ask again later";
  }
  protocol::unreachable();
}

// The number in the member of that name; nullopt if it is not a number. A missing member is 0 if `zero_left_out`, else
// nullopt.
std::optional<double> degrees_member(const json& object, const char* name, bool zero_left_out) {
  const json* found = member(object, name);
  if (found == nullptr) return zero_left_out ? std::optional(0.0) : std::nullopt;
  return found->is_number() ? std::optional(found->get<double>()) : std::nullopt;
}

Failure failure(Status status, std::string message, const std::optional<std::string>& words) {
  if (words && !words->empty()) message += fmt::format(" (Google says: {})", *words);
  return {status, std::move(message)};
}

}  // namespace

std::optional<json> parse_json(std::string_view text) {
  if (!is_shallow(text)) return std::nullopt;
  json parsed = json::parse(text, nullptr, /*allow_exceptions=*/false);
  return parsed.is_discarded() ? std::nullopt : std::optional(std::move(parsed));
}

const json* member(const json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::optional<std::string> text_member(const json& object, const char* name) {
  const json* found = member(object, name);
  return found != nullptr && found->is_string() ? std::optional(found->get<std::string>()) : std::nullopt;
}

std::optional<protocol::Position> position_member(const json& object, const char* name, const PositionNames& names) {
  const json* found = member(object, name);
  if (found == nullptr || !found->is_object()) return std::nullopt;
  const auto latitude = degrees_member(*found, names.latitude, names.zero_left_out);
  const auto longitude = degrees_member(*found, names.longitude, names.zero_left_out);
  if (!latitude || !longitude) return std::nullopt;
  const protocol::Position position{*latitude, *longitude};
  const bool on_earth =
      position.latitude >= -90 && position.latitude <= 90 && position.longitude >= -180 && position.longitude <= 180;
  return on_earth ? std::optional(position) : std::nullopt;
}

json position_json(const protocol::Position& position) {
  return {{"lat", position.latitude}, {"lng", position.longitude}};
}

json texts_of(const json& list) {
  json texts = json::array();
  if (!list.is_array()) return texts;
  for (const json& text : list) {
    if (text.is_string()) texts.push_back(text);
  }
  return texts;
}

Failure refusal(const Refusal& refusal) {
  return failure(refusal.status, fmt::format("{} {}", refusal.provider, advice(refusal.status)), refusal.words);
}

Failure http_failure(std::string_view provider, int http_status, std::optional<std::string> words) {
  switch (http_status) {
    case 400:
      return refusal({provider, Status::InvalidRequest, std::move(words)});
    case 401:
    case 403:
      return refusal({provider, Status::RequestDenied, std::move(words)});
    case 429:
      return refusal({provider, Status::OverQueryLimit, std::move(words)});
    default:
      break;
  }
  std::string_view meaning = "check its URL in [places]";
  if (http_status >= 300 && http_status < 400) {
    meaning = "a redirect, which is not followed: check its URL in [places]";
  } else if (http_status >= 500) {
    meaning = "the service has a fault: ask again later";
  }
  return failure(Status::UnknownError, fmt::format("{} answers with HTTP {}: {}", provider, http_status, meaning),
                 words);
}

Failure nonsense(std::string_view provider) {
  return {Status::UnknownError,
          fmt::format("{} sent an invalid answer: ask again later, or check its URL in [places]", provider)};
}

}  // namespace herd::node::places
