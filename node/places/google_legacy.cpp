#include "node/places/google_legacy.hpp"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "node/places/google_answer.hpp"
#include "protocol/limits.hpp"
#include "protocol/unreachable.hpp"

namespace herd::node::places {
namespace {

using nlohmann::json;

constexpr std::string_view kName = "google-legacy";
constexpr PositionNames kPositionNames{.latitude = "lat", .longitude = "lng", .zero_left_out = false};
constexpr std::size_t kMaxAttributions = 8;
constexpr std::size_t kMaxAttributionBytes = 1024;

// These fields are copied if they have the right type. Photos are not copied: a client would need the key to see them.
constexpr std::array kTexts{"business_status",    "icon", "icon_background_color",
                            "icon_mask_base_uri", "name", "vicinity"};
constexpr std::array kNumbers{"price_level", "rating", "user_ratings_total"};

json geometry_of(const json& result, const protocol::Position& position) {
  json geometry{{"location", position_json(position)}};
  const json* viewport = member(*member(result, "geometry"), "viewport");
  if (viewport == nullptr) return geometry;
  const auto northeast = position_member(*viewport, "northeast", kPositionNames);
  const auto southwest = position_member(*viewport, "southwest", kPositionNames);
  if (northeast && southwest) {
    geometry["viewport"] = {{"northeast", position_json(*northeast)}, {"southwest", position_json(*southwest)}};
  }
  return geometry;
}

void copy_plain_fields(const json& from, json& to) {
  for (const char* name : kTexts) {
    if (const auto text = text_member(from, name)) to[name] = *text;
  }
  for (const char* name : kNumbers) {
    const json* number = member(from, name);
    if (number != nullptr && number->is_number()) to[name] = *number;
  }
}

void copy_objects(const json& from, json& to) {
  if (const json* types = member(from, "types")) to["types"] = texts_of(*types);
  if (const json* code = member(from, "plus_code")) {
    json plus_code = json::object();
    for (const char* name : {"compound_code", "global_code"}) {
      if (const auto text = text_member(*code, name)) plus_code[name] = *text;
    }
    to["plus_code"] = plus_code;
  }
  if (const json* hours = member(from, "opening_hours")) {
    const json* open = member(*hours, "open_now");
    if (open != nullptr && open->is_boolean()) to["opening_hours"] = {{"open_now", *open}};
  }
}

// Returns nullopt for a place that cannot be shown: it has no id or no position, or is above kMaxListedPlaceBytes.
std::optional<ListedPlace> place_of(const json& from, const std::vector<std::string>& attributions) {
  const auto id = text_member(from, "place_id");
  const json* geometry = member(from, "geometry");
  const auto position = geometry == nullptr ? std::nullopt : position_member(*geometry, "location", kPositionNames);
  if (!id || id->empty() || !position) return std::nullopt;
  json result{{"geometry", geometry_of(from, *position)},
              {"place_id", *id},
              {"reference", text_member(from, "reference").value_or(*id)}};
  copy_plain_fields(from, result);
  copy_objects(from, result);
  ListedPlace listed{*position, result.dump(), attributions};
  return bytes_of(listed) <= kMaxListedPlaceBytes ? std::optional(std::move(listed)) : std::nullopt;
}

std::vector<std::string> attributions_of(const json& body) {
  std::vector<std::string> attributions;
  const json* list = member(body, "html_attributions");
  if (list == nullptr || !list->is_array()) return attributions;
  for (const json& each : *list) {
    if (attributions.size() == kMaxAttributions) break;
    if (!each.is_string()) continue;
    auto text = each.get<std::string>();
    if (text.size() <= kMaxAttributionBytes) attributions.push_back(std::move(text));
  }
  return attributions;
}

// Returns nullopt for a text that is not a status of Google.
std::optional<Status> status_of(std::string_view text) {
  for (const Status status : {Status::Ok, Status::ZeroResults, Status::OverQueryLimit, Status::RequestDenied,
                              Status::InvalidRequest, Status::UnknownError}) {
    if (to_text(status) == text) return status;
  }
  if (text == "OVER_DAILY_LIMIT") return Status::OverQueryLimit;  // used if billing is not set up
  return std::nullopt;
}

tl::expected<PlaceList, Failure> read_results(const json& body) {
  const json* list = member(body, "results");
  if (list == nullptr || !list->is_array()) return tl::unexpected(nonsense(kName));
  const auto attributions = attributions_of(body);
  PlaceList places;
  for (const json& result : *list) {
    if (places.size() == protocol::kMaxPlaces) break;
    if (auto listed = place_of(result, attributions)) places.push_back(std::move(*listed));
  }
  if (places.empty() && !list->empty()) return tl::unexpected(nonsense(kName));
  return places;
}

tl::expected<PlaceList, Failure> read(const HttpReply& reply) {
  const auto body = parse_json(reply.body);
  const auto words = body ? text_member(*body, "error_message") : std::nullopt;
  if (reply.status != 200) return tl::unexpected(http_failure(kName, reply.status, words));
  const auto status = body ? status_of(text_member(*body, "status").value_or("")) : std::nullopt;
  if (!status) return tl::unexpected(nonsense(kName));
  switch (*status) {
    case Status::Ok:
      return read_results(*body);
    case Status::ZeroResults:
      return PlaceList{};
    case Status::OverQueryLimit:
    case Status::RequestDenied:
    case Status::InvalidRequest:
    case Status::UnknownError:
      return tl::unexpected(refusal({kName, *status, words}));
  }
  protocol::unreachable();
}

// Seven decimals are a centimetre; the fixed format never has an exponent.
HttpRequest request(const Area& area, const ApiKey& key) {
  return {.query = fmt::format("?location={:.7f},{:.7f}&radius={}&key={}", area.center.latitude, area.center.longitude,
                               area.radius_m, key.percent_encoded()),
          .headers = {},
          .body = ""};
}

}  // namespace

WebApi google_legacy() {
  return {kName, request, read};
}

}  // namespace herd::node::places
