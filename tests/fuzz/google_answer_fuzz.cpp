// An HTTP answer from Google, or from a server in its place. The first byte chooses the API and the HTTP status; the
// rest is the body. Any body is read or refused without a crash. Accepted places are valid and bounded, and the
// document contains only places within the radius.
#include <array>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "node/places/google_legacy.hpp"
#include "node/places/google_new.hpp"
#include "node/places/messages.hpp"
#include "protocol/assert.hpp"
#include "protocol/limits.hpp"

using namespace herd::node::places;

namespace {

constexpr std::array kHttpStatuses{200, 200, 200, 302, 400, 403, 429, 503};

void check_place(const ListedPlace& place) {
  const auto result = nlohmann::json::parse(place.json);
  HERD_ASSERT(result.at("place_id").is_string() && result.at("reference").is_string());
  const auto& location = result.at("geometry").at("location");
  HERD_ASSERT(location.at("lat").get<double>() == place.position.latitude);
  HERD_ASSERT(location.at("lng").get<double>() == place.position.longitude);
  HERD_ASSERT(place.position.latitude >= -90 && place.position.latitude <= 90);
  HERD_ASSERT(place.position.longitude >= -180 && place.position.longitude <= 180);
  HERD_ASSERT(bytes_of(place) <= kMaxListedPlaceBytes);
}

void check_shown(const PlaceList& places) {
  const Query query{.latitude = 34, .longitude = -118, .radius_km = 10, .max = herd::protocol::kMaxPlaces};
  const Shown shown = show(places, query);
  HERD_ASSERT(shown.document.size() <= kMaxDocumentBytes && is_answer(shown.status));
  const auto document = nlohmann::json::parse(shown.document);
  for (const auto& result : document.at("results")) {
    const auto& location = result.at("geometry").at("location");
    HERD_ASSERT(distance_km({{34, -118}, {location.at("lat"), location.at("lng")}}) <= 10.001);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const WebApi api = (data[0] & 1U) == 0 ? google_new() : google_legacy();
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto places = api.read({kHttpStatuses.at((data[0] >> 1U) % kHttpStatuses.size()), body});
  if (!places) {
    HERD_ASSERT(!is_answer(places.error().status) && places.error().message.starts_with(api.name));
    return 0;
  }
  HERD_ASSERT(places->size() <= herd::protocol::kMaxPlaces);
  for (const ListedPlace& place : *places) check_place(place);
  check_shown(*places);
  return 0;
}
