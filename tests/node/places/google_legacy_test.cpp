#include "node/places/google_legacy.hpp"

#include <nlohmann/json.hpp>

#include "tests/catch.hpp"

using namespace herd::node::places;
using nlohmann::json;

namespace {

tl::expected<PlaceList, Failure> read(std::string_view body, int status = 200) {
  return google_legacy().read({status, body});
}

Failure failure_of(std::string_view body, int status = 200) {
  const auto read_one = read(body, status);
  INFO(body);
  REQUIRE_FALSE(read_one);
  CHECK(read_one.error().message.starts_with("google-legacy "));
  return read_one.error();
}

const json kPlace = json::parse(R"({"place_id":"ChIJ1","reference":"ref","name":"Café","vicinity":"Long 1",
  "types":["cafe"],"business_status":"OPERATIONAL","rating":4.5,"user_ratings_total":7,"price_level":2,
  "icon":"https://i",
  "opening_hours":{"open_now":true},"plus_code":{"global_code":"8563+2Q","compound_code":"2F9C+2Q Town"},
  "geometry":{"location":{"lat":34.1,"lng":-118.4},
              "viewport":{"northeast":{"lat":34.2,"lng":-118.3},"southwest":{"lat":34.0,"lng":-118.5}}}})");

std::string answer_of(const json& results) {
  return json{{"status", "OK"}, {"html_attributions", {"<b>A</b>", 5}}, {"next_page_token", "t"}, {"results", results}}
      .dump();
}

}  // namespace

TEST_CASE("a legacy request has position, radius and key in its query, and nothing else") {
  const auto request = google_legacy().request({{34.06893, -0.000001}, 10'000}, *ApiKey::parse("test-key+/"));
  CHECK(request.query == "?location=34.0689300,-0.0000010&radius=10000&key=test-key%2B%2F");
  CHECK(request.headers.empty());
  CHECK(request.body.empty());
}

TEST_CASE("a legacy result keeps its fields") {
  const auto places = read(answer_of(json::array({kPlace})));
  REQUIRE(places);
  REQUIRE(places->size() == 1);
  CHECK(json::parse(places->front().json) == kPlace);
  CHECK(places->front().attributions == std::vector<std::string>{"<b>A</b>"});
  CHECK(places->front().position.latitude == 34.1);
}

TEST_CASE("fields that are unknown, of the wrong type or useless without the key are omitted") {
  json odd = kPlace;
  odd["photos"] = {{{"photo_reference", "x"}}};
  odd["permits"] = "everything";
  odd["rating"] = "good";
  odd["name"] = {"a", "list"};
  odd["types"] = "cafe";
  odd["opening_hours"] = {{"open_now", "yes"}};
  odd.erase("reference");
  const json result = json::parse(read(answer_of(json::array({odd})))->front().json);
  for (const auto* gone : {"photos", "permits", "rating", "name", "opening_hours"}) CHECK_FALSE(result.contains(gone));
  CHECK(result["types"] == json::array());
  CHECK(result["reference"] == "ChIJ1");
}

TEST_CASE("the legacy API omits no zeros: a place without a coordinate is not shown") {
  const auto shown = [](const char* missing) {
    json place = kPlace;
    place["geometry"]["location"].erase(missing);
    return read(answer_of(json::array({kPlace, place})))->size();
  };
  CHECK(shown("nothing") == 2);
  CHECK(shown("lat") == 1);
  CHECK(shown("lng") == 1);
  json on_equator = kPlace;
  on_equator["geometry"]["location"]["lat"] = 0;
  CHECK(read(answer_of(json::array({on_equator})))->front().position.latitude == 0);
}

TEST_CASE("every status of Google is understood, and any other is an invalid answer") {
  const auto status_of = [](const std::string& status) {
    return failure_of(R"({"results":[],"status":")" + status + R"(","error_message":"Words."})").status;
  };
  CHECK(read(R"({"results":[],"status":"ZERO_RESULTS"})")->empty());
  CHECK(status_of("OVER_QUERY_LIMIT") == Status::OverQueryLimit);
  CHECK(status_of("OVER_DAILY_LIMIT") == Status::OverQueryLimit);
  CHECK(status_of("REQUEST_DENIED") == Status::RequestDenied);
  CHECK(status_of("INVALID_REQUEST") == Status::InvalidRequest);
  CHECK(status_of("UNKNOWN_ERROR") == Status::UnknownError);
  CHECK(status_of("FINE") == Status::UnknownError);
  CHECK(failure_of(R"({"results":[],"status":"REQUEST_DENIED","error_message":"Words."})")
            .message.ends_with("(Google says: Words.)"));
}

TEST_CASE("invalid legacy answers are unknown errors, and HTTP errors have their statuses") {
  for (const auto* body : {"", "{}", "[]", R"({"status":"OK"})", R"({"status":"OK","results":{}})",
                           R"({"status":"OK","results":[{},1]})", R"({"status":5,"results":[]})", "<html>"}) {
    CHECK(failure_of(body).status == Status::UnknownError);
  }
  CHECK(failure_of("", 403).status == Status::RequestDenied);
  CHECK(failure_of("", 429).status == Status::OverQueryLimit);
  CHECK(failure_of("", 302).status == Status::UnknownError);
  CHECK(failure_of(answer_of(json::array({kPlace})), 500).status == Status::UnknownError);
}
