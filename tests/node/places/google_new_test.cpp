#include "node/places/google_new.hpp"

#include <nlohmann/json.hpp>

#include "node/places/google_answer.hpp"
#include "tests/catch.hpp"

using namespace herd::node::places;
using nlohmann::json;

namespace {

tl::expected<PlaceList, Failure> read(std::string_view body, int status = 200) {
  return google_new().read({status, body});
}

Failure failure_of(std::string_view body, int status = 200) {
  const auto read_one = read(body, status);
  INFO(body);
  REQUIRE_FALSE(read_one);
  CHECK(read_one.error().message.starts_with("google "));
  return read_one.error();
}

// Applies a change to a full place and returns its result in an answer with that place only.
json mapped(const std::function<void(json&)>& change) {
  json place = json::parse(R"({"id":"ChIJ1","types":["cafe","food"],"formattedAddress":"Long 1, Town",
    "shortFormattedAddress":"Long 1","location":{"latitude":34.1,"longitude":-118.4},
    "viewport":{"low":{"latitude":34.0,"longitude":-118.5},"high":{"latitude":34.2,"longitude":-118.3}},
    "businessStatus":"OPERATIONAL","displayName":{"text":"Café","languageCode":"fr"},
    "plusCode":{"globalCode":"8563+2Q","compoundCode":"2F9C+2Q Town"},
    "attributions":[{"provider":"A & B","providerUri":"https://a.example/?x=1&y=\"2\""}]})");
  change(place);
  const auto places = read(json{{"places", {place}}}.dump());
  if (!places) return nullptr;
  REQUIRE(places->size() == 1);
  json result = json::parse(places->front().json);
  result["attributions"] = places->front().attributions;
  return result;
}

}  // namespace

TEST_CASE("a request to Google is for twenty places of the cheapest tier, with the key in a header") {
  const auto request = google_new().request({{34.06893, -118.445127}, 10'000}, *ApiKey::parse("test-key"));
  CHECK(request.query.empty());
  CHECK(request.headers == std::vector<std::string>{"Content-Type: application/json", "X-Goog-Api-Key: test-key",
                                                    "X-Goog-FieldMask: " + std::string(google_field_mask())});
  CHECK(json::parse(request.body) == json::parse(R"({"maxResultCount":20,"locationRestriction":{"circle":{
    "center":{"latitude":34.06893,"longitude":-118.445127},"radius":10000}}})"));
}

TEST_CASE("no field of a more expensive tier is requested") {
  for (const auto* dear : {"rating", "userRatingCount", "priceLevel", "OpeningHours", "PhoneNumber", "websiteUri",
                           "reviews", "editorialSummary", "*"}) {
    CHECK(google_field_mask().find(dear) == std::string_view::npos);
  }
}

TEST_CASE("each field of Google's new API becomes the field of the old one") {
  CHECK(mapped([](json&) {}) == json::parse(R"({"place_id":"ChIJ1","reference":"ChIJ1","name":"Café",
    "types":["cafe","food"],"vicinity":"Long 1","business_status":"OPERATIONAL",
    "geometry":{"location":{"lat":34.1,"lng":-118.4},
                "viewport":{"northeast":{"lat":34.2,"lng":-118.3},"southwest":{"lat":34.0,"lng":-118.5}}},
    "plus_code":{"global_code":"8563+2Q","compound_code":"2F9C+2Q Town"},
    "attributions":["<a href=\"https://a.example/?x=1&amp;y=&quot;2&quot;\">A &amp; B</a>"]})"));
}

TEST_CASE("missing fields are omitted, and the long address replaces a missing short one") {
  const json result = mapped([](json& place) {
    for (const auto* name :
         {"types", "shortFormattedAddress", "viewport", "businessStatus", "displayName", "plusCode", "attributions"}) {
      place.erase(name);
    }
  });
  CHECK(result == json::parse(R"({"place_id":"ChIJ1","reference":"ChIJ1","vicinity":"Long 1, Town",
    "geometry":{"location":{"lat":34.1,"lng":-118.4}},"attributions":[]})"));
}

TEST_CASE("fields of the wrong type are omitted, and invalid links become text") {
  const json result = mapped([](json& place) {
    place["displayName"] = "plain";
    place["businessStatus"] = 5;
    place["viewport"]["low"] = "x";
    place["types"] = {"cafe", 7, nullptr};
    place["attributions"] = {{{"provider", "<b>"}, {"providerUri", "javascript:alert(1)"}}, 5, {{"providerUri", "x"}}};
  });
  CHECK_FALSE(result.contains("name"));
  CHECK_FALSE(result.contains("business_status"));
  CHECK_FALSE(result["geometry"].contains("viewport"));
  CHECK(result["types"] == json({"cafe"}));
  CHECK(result["attributions"] == json({"&lt;b&gt;"}));
}

TEST_CASE("a place without an id or a valid position, or with too much text, is not shown") {
  const auto is_shown = [](const std::function<void(json&)>& change) { return !mapped(change).is_null(); };
  CHECK(is_shown([](json& place) { place["location"]["latitude"] = 90; }));
  CHECK_FALSE(is_shown([](json& place) { place["location"]["latitude"] = 90.001; }));
  CHECK(is_shown([](json& place) { place["location"]["longitude"] = -180; }));
  CHECK_FALSE(is_shown([](json& place) { place["location"]["longitude"] = -180.001; }));
  CHECK_FALSE(is_shown([](json& place) { place["location"]["latitude"] = "34"; }));
  CHECK_FALSE(is_shown([](json& place) { place.erase("location"); }));
  CHECK_FALSE(is_shown([](json& place) { place.erase("id"); }));
  CHECK_FALSE(is_shown([](json& place) { place["id"] = ""; }));
  CHECK_FALSE(is_shown([](json& place) { place["id"] = 7; }));
  CHECK(is_shown([](json& place) { place["displayName"]["text"] = std::string(8'000, 'x'); }));
  CHECK_FALSE(is_shown([](json& place) { place["displayName"]["text"] = std::string(kMaxListedPlaceBytes, 'x'); }));
}

TEST_CASE("a missing coordinate is 0") {
  const auto location = [](std::string_view text) {
    return mapped([&](json& place) { place["location"] = json::parse(text); })["geometry"]["location"];
  };
  CHECK(location(R"({"latitude":51.4779})") == json({{"lat", 51.4779}, {"lng", 0.0}}));
  CHECK(location(R"({"longitude":36.8})") == json({{"lat", 0.0}, {"lng", 36.8}}));
  CHECK(location("{}") == json({{"lat", 0.0}, {"lng", 0.0}}));
  CHECK(location(R"({"latitude":null,"longitude":36.8})") == json({{"lat", 0.0}, {"lng", 36.8}}));
}

TEST_CASE("a location without numbers is invalid, and a missing location is not 0") {
  const auto is_shown = [](std::string_view text) {
    return !mapped([&](json& place) { place["location"] = json::parse(text); }).is_null();
  };
  CHECK_FALSE(is_shown(R"({"latitude":"51.4779"})"));
  CHECK_FALSE(is_shown(R"({"longitude":[0]})"));
  CHECK_FALSE(is_shown("[]"));
  CHECK_FALSE(is_shown("null"));
  CHECK_FALSE(is_shown("0"));
}

TEST_CASE("a missing coordinate in a viewport is 0 as well") {
  const auto viewport = [](std::string_view text) {
    return mapped([&](json& place) { place["viewport"] = json::parse(text); })["geometry"].value("viewport", json());
  };
  CHECK(viewport(R"({"low":{"latitude":51.47},"high":{"latitude":51.48,"longitude":0.01}})") ==
        json::parse(R"({"northeast":{"lat":51.48,"lng":0.01},"southwest":{"lat":51.47,"lng":0.0}})"));
  CHECK(viewport(R"({"low":{"latitude":-0.01,"longitude":-0.01},"high":{}})") ==
        json::parse(R"({"northeast":{"lat":0.0,"lng":0.0},"southwest":{"lat":-0.01,"lng":-0.01}})"));
  CHECK(viewport(R"({"low":{},"high":{"latitude":1}})") ==
        json::parse(R"({"northeast":{"lat":1.0,"lng":0.0},"southwest":{"lat":0.0,"lng":0.0}})"));
  CHECK(viewport(R"({"high":{"latitude":1,"longitude":1}})").is_null());
  CHECK(viewport("{}").is_null());
}

TEST_CASE("a place with none of its optional fields is shown") {
  const auto places = read(R"({"places":[{"id":"1","location":{}}]})");
  REQUIRE(places);
  REQUIRE(places->size() == 1);
  CHECK(json::parse(places->front().json) ==
        json::parse(R"({"place_id":"1","reference":"1","geometry":{"location":{"lat":0.0,"lng":0.0}}})"));
}

TEST_CASE("empty objects and empty strings change nothing") {
  const json result = mapped([](json& place) {
    for (const auto* name : {"displayName", "plusCode"}) place[name] = json::object();
    place["shortFormattedAddress"] = "";
    place["types"] = json::array();
    place["attributions"] = json::parse(R"([{},{"providerUri":"https://a.example/"}])");
  });
  CHECK_FALSE(result.contains("name"));
  CHECK(result["plus_code"] == json::object());
  CHECK(result["vicinity"] == "Long 1, Town");
  CHECK(result["types"] == json::array());
  CHECK(result["attributions"] == json({R"(<a href="https://a.example/">https://a.example/</a>)"}));
}

TEST_CASE("an answer without a list of places has no places") {
  CHECK(read("{}")->empty());
  CHECK(read(R"({"places":[]})")->empty());
  CHECK(read(R"({"places":null})")->empty());
  CHECK(read(R"({"routingSummaries":[{}]})")->empty());
  CHECK(read(R"({"error":null})").error().status == Status::UnknownError);
}

TEST_CASE("at most twenty places are used") {
  json places = json::array();
  for (int i = 0; i < 25; ++i) {
    places.push_back({{"id", std::to_string(i)}, {"location", {{"latitude", 1}, {"longitude", 2}}}});
  }
  CHECK(read(json{{"places", places}}.dump())->size() == 20);
}

TEST_CASE("an answer without a valid list of places is an unknown error") {
  for (const auto* body : {"", "{", "null", "5", "[]", "\"OK\"", R"({"other":1})", R"({"places":{}})",
                           R"({"places":[1,{},null]})", "<html>", "{\"places\":[{\"id\":\"\xFF\"}]}", "{}{}",
                           R"({"places":[{"id":"1","location":{"latitude":1e999,"longitude":0}}]})"}) {
    CHECK(failure_of(body).status == Status::UnknownError);
  }
  CHECK(failure_of(std::string(1'000'000, '[')).status == Status::UnknownError);
}

TEST_CASE("JSON may be nested up to the bound, and brackets in strings do not count") {
  const auto nested = [](int depth) {
    return std::string(static_cast<std::size_t>(depth), '[') + std::string(static_cast<std::size_t>(depth), ']');
  };
  CHECK(parse_json(nested(kMaxJsonDepth)));
  CHECK_FALSE(parse_json(nested(kMaxJsonDepth + 1)));
  CHECK(parse_json("\"" + std::string(100, '[') + "\\\"[[\""));
}

TEST_CASE("HTTP errors become Google's old statuses, with Google's message and what to do") {
  const auto status_of = [](int http) {
    return failure_of(R"({"error":{"code":)" + std::to_string(http) + R"(,"message":"Words.","status":"X"}})", http)
        .status;
  };
  CHECK(status_of(400) == Status::InvalidRequest);
  CHECK(status_of(401) == Status::RequestDenied);
  CHECK(status_of(403) == Status::RequestDenied);
  CHECK(status_of(429) == Status::OverQueryLimit);
  for (const int http : {300, 302, 308, 402, 404, 418, 500, 503, 599}) CHECK(status_of(http) == Status::UnknownError);
  CHECK(failure_of(R"({"error":{"message":"Words."}})", 403).message.ends_with("enabled (Google says: Words.)"));
  CHECK(failure_of("<html>", 302).message.find("redirect") != std::string::npos);
  CHECK(failure_of("", 204).status == Status::UnknownError);
}

TEST_CASE("an invalid key gives REQUEST_DENIED although Google answers with 400") {
  CHECK(failure_of(R"({"error":{"code":400,"message":"API key not valid.","details":[{"reason":"API_KEY_INVALID"}]}})",
                   400)
            .status == Status::RequestDenied);
}

TEST_CASE("a valid error in a reply with status 200 is used") {
  CHECK(failure_of(R"({"error":{"code":429,"message":"m"}})").status == Status::OverQueryLimit);
  CHECK(failure_of(R"({"error":{"code":200}})").status == Status::UnknownError);
  CHECK(failure_of(R"({"error":{"code":99999999999999999999}})").status == Status::UnknownError);
  CHECK(failure_of(R"({"error":"text"})").status == Status::UnknownError);
}
