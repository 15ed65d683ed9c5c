#include "node/places/document.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iterator>

#include "node/base/json_text.hpp"
#include "protocol/assert.hpp"
#include "protocol/digits.hpp"
#include "protocol/small_texts.hpp"
#include "protocol/unreachable.hpp"

namespace herd::node::places {
namespace {

constexpr std::string_view kGeoNamesPrefixes[] = {"geonames:", "cities:"};  // data/README.md
constexpr std::string_view kGeoNamesAttribution =                           // in JSON
    R"("Places from <a href=\"https://www.geonames.org/\">GeoNames</a>, )"
    R"(<a href=\"https://creativecommons.org/licenses/by/4.0/\">CC BY 4.0</a>")";
constexpr std::size_t kUsualResultBytes = 256;
constexpr std::size_t kUsualFrameBytes = 320;  // around the results

bool from_geonames(std::string_view id) {
  return std::any_of(std::begin(kGeoNamesPrefixes), std::end(kGeoNamesPrefixes),
                     [id](std::string_view prefix) { return id.starts_with(prefix); });
}

// Returns the types of a place, with Google's names where Google has one.
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
  protocol::unreachable();
}

template <typename Texts>
void append_json_strings(std::string& out, const Texts& texts) {
  std::string_view between;
  for (const auto& text : texts) {
    out += between;
    append_json_string(out, text);
    between = ",";
  }
}

// Writes degrees in the shortest form: 34, -118.4. The table has five decimals, so integers are exact here; formatting
// a double would give the same text but takes ten times as long. Writes at most 16 bytes; returns the end.
char* put_degrees(char* at, std::int32_t steps) {
  const auto size = static_cast<std::uint64_t>(std::abs(steps));
  const std::uint64_t whole = size / kStepsPerDegree;
  std::uint64_t fraction = size % kStepsPerDegree;
  *at = '-';
  at += steps < 0 ? 1 : 0;
  const std::size_t digits = whole >= 100 ? 3 : whole >= 10 ? 2 : 1;
  protocol::put_digits(at, whole, digits);
  at += digits;
  if (fraction != 0) {
    *at++ = '.';
    protocol::put_digits(at, fraction, kDecimals);
    at += kDecimals;
    for (; fraction % 10 == 0; fraction /= 10) --at;
  }
  return at;
}

constexpr std::size_t kMaxResultBytes = 4 * kMaxTextBytes + 256;  // four texts and the JSON around them

void append_result(std::string& out, const PlaceView& place) {
  using protocol::put_text;
  std::array<char, kMaxResultBytes> text;
  char* at = put_text(text.data(), R"({"geometry":{"location":{"lat":)");
  at = put_degrees(at, place.latitude);
  at = put_text(at, R"(,"lng":)");
  at = put_degrees(at, place.longitude);
  at = put_text(at, R"(}},"name":")");
  at = put_text(at, place.name);
  at = put_text(at, R"(","place_id":")");
  at = put_text(at, place.id);
  at = put_text(at, R"(","reference":")");
  at = put_text(at, place.id);
  at = put_text(at, R"(","types":)");
  at = put_text(at, types_of(place.kind));
  at = put_text(at, R"(,"vicinity":")");
  at = put_text(at, place.area);
  at = put_text(at, R"("})");
  out.append(text.data(), at);
}

constexpr std::string_view kBeforeAttributions = R"({"html_attributions":[)";
constexpr std::string_view kBeforeResults = R"(],"results":[)";
constexpr std::string_view kAfterResults = "\n],\"status\":\"OK\"}";

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
  protocol::unreachable();
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
  std::string out(kBeforeAttributions);
  append_json_strings(out, attributions);
  out += kBeforeResults;
  out += results;
  out += kAfterResults;
  return out;
}

void add_info_messages(std::string& document, std::span<const std::string> messages) {
  if (messages.empty()) {
    return;
  }
  HERD_ASSERT(document.ends_with('}'));
  document.pop_back();
  document += R"(,"info_messages":[)";
  append_json_strings(document, messages);
  document += "]}";
}

std::string document_of(const PlaceIndex& index, std::span<const Hit> hits) {
  if (hits.empty()) {
    return empty_document(Status::ZeroResults);
  }
  const bool geonames =
      std::any_of(hits.begin(), hits.end(), [&index](const Hit& hit) { return from_geonames(index.at(hit.place).id); });
  std::string out;
  out.reserve(kUsualFrameBytes + hits.size() * kUsualResultBytes);
  out += kBeforeAttributions;
  out += geonames ? kGeoNamesAttribution : "";
  out += kBeforeResults;
  std::string_view between = "\n";
  for (const Hit& hit : hits) {
    out += between;
    append_result(out, index.at(hit.place));
    between = ",\n";
  }
  out += kAfterResults;
  return out;
}

}  // namespace herd::node::places
