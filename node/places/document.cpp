#include "node/places/document.hpp"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

#include "protocol/assert.hpp"

namespace herd::node::places {
namespace {

constexpr std::string_view kGeoNamesPrefixes[] = {"geonames:", "cities:"};  // data/README.md
constexpr std::string_view kGeoNamesAttribution =
    "Places from <a href=\"https://www.geonames.org/\">GeoNames</a>, "
    "<a href=\"https://creativecommons.org/licenses/by/4.0/\">CC BY 4.0</a>";
constexpr std::size_t kUsualResultBytes = 320;

bool from_geonames(std::string_view id) {
  return std::any_of(std::begin(kGeoNamesPrefixes), std::end(kGeoNamesPrefixes),
                     [id](std::string_view prefix) { return id.starts_with(prefix); });
}

// Google's types where it has one.
std::string_view types_of(Kind kind) {
  switch (kind) {
    case Kind::Capital:
    case Kind::Seat:
    case Kind::Town:
      return R"(["locality","political"])";
    case Kind::Quarter:
      return R"(["neighborhood","political"])";
    case Kind::Port:
      return R"(["port","point_of_interest","establishment"])";
  }
  return "[]";
}

bool is_plain(char c) {
  return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
}

template <typename Texts>
void append_json_strings(std::string& out, const Texts& texts) {
  out += '[';
  for (const auto& text : texts) {
    if (out.back() != '[') {
      out += ',';
    }
    append_json_string(out, text);
  }
  out += ']';
}

void append_result(std::string& out, const PlaceView& place) {
  fmt::format_to(std::back_inserter(out), FMT_COMPILE(R"({{"geometry":{{"location":{{"lat":{},"lng":{}}}}},"name":)"),
                 place.position.latitude, place.position.longitude);
  append_json_string(out, place.name);
  out += R"(,"place_id":)";
  append_json_string(out, place.id);
  out += R"(,"reference":)";
  append_json_string(out, place.id);
  out += R"(,"types":)";
  out += types_of(place.kind);
  out += R"(,"vicinity":)";
  append_json_string(out, place.area);
  out += '}';
}

}  // namespace

std::string_view to_text(Status status) {
  switch (status) {
    case Status::Ok:
      return "OK";
    case Status::ZeroResults:
      return "ZERO_RESULTS";
    case Status::OverQueryLimit:
      return "OVER_QUERY_LIMIT";
    case Status::RequestDenied:
      return "REQUEST_DENIED";
    case Status::InvalidRequest:
      return "INVALID_REQUEST";
    case Status::UnknownError:
      return "UNKNOWN_ERROR";
  }
  return "UNKNOWN_ERROR";
}

std::string empty_document(Status status, std::string_view error_message) {
  std::string out = R"({"html_attributions":[],"results":[],"status":")";
  out += to_text(status);
  out += '"';
  if (!error_message.empty()) {
    out += R"(,"error_message":)";
    append_json_string(out, error_message);
  }
  out += '}';
  return out;
}

std::string results_document(std::string_view results, std::span<const std::string_view> attributions) {
  std::string out = R"({"html_attributions":)";
  append_json_strings(out, attributions);
  out += R"(,"results":[)";
  out += results;
  out += "\n],\"status\":\"OK\"}";
  return out;
}

void add_info_messages(std::string& document, std::span<const std::string> messages) {
  if (messages.empty()) {
    return;
  }
  HERD_ASSERT(document.ends_with('}'));
  document.pop_back();
  document += R"(,"info_messages":)";
  append_json_strings(document, messages);
  document += '}';
}

std::string document_of(const PlaceIndex& index, std::span<const Hit> hits) {
  if (hits.empty()) {
    return empty_document(Status::ZeroResults);
  }
  std::string results;
  results.reserve(hits.size() * kUsualResultBytes);
  bool geonames = false;
  for (const Hit& hit : hits) {
    const PlaceView place = index.at(hit.place);
    geonames = geonames || from_geonames(place.id);
    results += results.empty() ? "\n" : ",\n";
    append_result(results, place);
  }
  const auto attributions = std::span(&kGeoNamesAttribution, geonames ? 1 : 0);
  return results_document(results, attributions);
}

void append_json_string(std::string& out, std::string_view text) {
  if (std::all_of(text.begin(), text.end(), is_plain)) {  // most texts, and ten times as fast
    out += '"';
    out += text;
    out += '"';
    return;
  }
  out += nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace herd::node::places
