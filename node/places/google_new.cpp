#include "node/places/google_new.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "node/places/google_answer.hpp"
#include "protocol/limits.hpp"

namespace herd::node::places {
namespace {

using nlohmann::json;

constexpr std::string_view kName = "google";
// This API sends proto3 JSON (https://protobuf.dev/programming-guides/json/), which omits fields with the default value
// of their type. So a missing number is 0, a missing string is empty, and a missing list has no elements. A missing
// object, however, is unset, while {} is an object with defaults in all fields.
constexpr PositionNames kPositionNames{.latitude = "latitude", .longitude = "longitude", .zero_left_out = true};

// Only the fields that the document shows. Google bills a search by its most expensive field. All of these are "Nearby
// Search Pro", the lowest tier of this search (even the id alone belongs to it). Ratings, opening hours, prices,
// telephone numbers and websites would make it "Enterprise", and reviews "Enterprise + Atmosphere".
constexpr std::string_view kFieldMask =
    "places.id,places.displayName,places.location,places.viewport,places.shortFormattedAddress,"
    "places.formattedAddress,places.types,places.businessStatus,places.plusCode,places.attributions";

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::vector<std::string> attributions_of(const json& place) {
  std::vector<std::string> attributions;
  const json* list = member(place, "attributions");
  if (list == nullptr || !list->is_array()) return attributions;
  for (const json& each : *list) {
    const auto uri = text_member(each, "providerUri").value_or("");
    const bool is_link = uri.starts_with("https://") || uri.starts_with("http://");  // not "javascript:"
    auto provider = text_member(each, "provider").value_or("");
    if (provider.empty() && is_link) provider = uri;  // an attribution must be shown
    if (provider.empty()) continue;
    attributions.push_back(is_link ? fmt::format("<a href=\"{}\">{}</a>", escape_html(uri), escape_html(provider))
                                   : escape_html(provider));
  }
  return attributions;
}

json geometry_of(const json& place, const protocol::Position& position) {
  json geometry{{"location", position_json(position)}};
  if (const json* viewport = member(place, "viewport")) {
    const auto low = position_member(*viewport, "low", kPositionNames);
    const auto high = position_member(*viewport, "high", kPositionNames);
    if (low && high) geometry["viewport"] = {{"northeast", position_json(*high)}, {"southwest", position_json(*low)}};
  }
  return geometry;
}

json plus_code_of(const json& code) {
  json plus_code = json::object();
  if (const auto text = text_member(code, "compoundCode")) plus_code["compound_code"] = *text;
  if (const auto text = text_member(code, "globalCode")) plus_code["global_code"] = *text;
  return plus_code;
}

// Returns nullopt for a place that cannot be shown: it has no id or no position, or is above kMaxListedPlaceBytes.
std::optional<ListedPlace> place_of(const json& place) {
  const auto id = text_member(place, "id");
  const auto position = position_member(place, "location", kPositionNames);
  if (!id || id->empty() || !position) return std::nullopt;
  json result{{"geometry", geometry_of(place, *position)}, {"place_id", *id}, {"reference", *id}};
  if (const json* name = member(place, "displayName")) {
    if (const auto text = text_member(*name, "text")) result["name"] = *text;
  }
  auto vicinity = text_member(place, "shortFormattedAddress");
  if (!vicinity || vicinity->empty()) vicinity = text_member(place, "formattedAddress");
  if (vicinity) result["vicinity"] = *vicinity;
  if (const auto status = text_member(place, "businessStatus")) result["business_status"] = *status;
  if (const json* types = member(place, "types")) result["types"] = texts_of(*types);
  if (const json* code = member(place, "plusCode")) result["plus_code"] = plus_code_of(*code);
  ListedPlace listed{*position, result.dump(), attributions_of(place)};
  return bytes_of(listed) <= kMaxListedPlaceBytes ? std::optional(std::move(listed)) : std::nullopt;
}

// This API answers an invalid key with 400, and only the details distinguish it from an invalid request.
bool says_key_is_invalid(const json& error) {
  const json* details = member(error, "details");
  if (details == nullptr || !details->is_array()) return false;
  return std::any_of(details->begin(), details->end(), [](const json& detail) {
    const auto reason = text_member(detail, "reason").value_or("");
    return reason == "API_KEY_INVALID" || reason == "API_KEY_EXPIRED";
  });
}

// {"error":{"code":403,"message":"...","status":"PERMISSION_DENIED"}}
Failure read_error(const HttpReply& reply, const std::optional<json>& body) {
  const json* error = body ? member(*body, "error") : nullptr;
  if (error == nullptr) return http_failure(kName, reply.status, std::nullopt);
  const auto words = text_member(*error, "message");
  if (says_key_is_invalid(*error)) return refusal({kName, Status::RequestDenied, words});
  const json* code = member(*error, "code");
  const bool has_code = reply.status == 200 && code != nullptr && code->is_number_integer();
  const auto status = has_code ? code->get<std::int64_t>() : reply.status;
  if (status < 300 || status > 599) return nonsense(kName);
  return http_failure(kName, static_cast<int>(status), words);
}

// Whether the body has only members of this API. Another member means that another service has answered; without this
// check, its body would count as an answer without places.
bool has_no_other_members(const json& body) {
  constexpr std::array kMembers{"places", "routingSummaries"};
  return std::all_of(body.items().begin(), body.items().end(), [&](const auto& each) {
    return std::find(kMembers.begin(), kMembers.end(), each.key()) != kMembers.end();
  });
}

tl::expected<PlaceList, Failure> read(const HttpReply& reply) {
  const auto body = parse_json(reply.body);
  if (reply.status != 200 || (body && member(*body, "error") != nullptr)) {
    return tl::unexpected(read_error(reply, body));
  }
  if (!body || !body->is_object()) return tl::unexpected(nonsense(kName));
  PlaceList places;
  const json* list = member(*body, "places");
  if (list == nullptr && has_no_other_members(*body)) return places;
  if (list == nullptr || !list->is_array()) return tl::unexpected(nonsense(kName));
  for (const json& place : *list) {
    if (places.size() == protocol::kMaxPlaces) break;
    if (auto listed = place_of(place)) places.push_back(std::move(*listed));
  }
  if (places.empty() && !list->empty()) return tl::unexpected(nonsense(kName));
  return places;
}

HttpRequest request(const Area& area, const ApiKey& key) {
  const json center{{"latitude", area.center.latitude}, {"longitude", area.center.longitude}};
  const json circle{{"center", center}, {"radius", area.radius_m}};
  const json body{{"maxResultCount", protocol::kMaxPlaces}, {"locationRestriction", {{"circle", circle}}}};
  return {.query = "",
          .headers = {"Content-Type: application/json", "X-Goog-Api-Key: " + key.text(),
                      fmt::format("X-Goog-FieldMask: {}", kFieldMask)},
          .body = body.dump()};
}

}  // namespace

std::string_view google_field_mask() {
  return kFieldMask;
}

WebApi google_new() {
  return {kName, request, read};
}

}  // namespace herd::node::places
