#include "node/places/place_list.hpp"

#include <nlohmann/json.hpp>

#include "tests/catch.hpp"

using namespace herd::node::places;
using nlohmann::json;

namespace {

// Places 1, 2, 3, ... kilometres north of the equator.
PlaceList northward(int count) {
  PlaceList places;
  for (int i = 1; i <= count; ++i) {
    places.push_back({{i / 111.19508, 0}, R"({"name":")" + std::to_string(i) + "\"}", {"shared", std::to_string(i)}});
  }
  return places;
}

Query within(double radius_km, int max = 20) {
  return {.latitude = 0, .longitude = 0, .radius_km = radius_km, .max = max};
}

}  // namespace

TEST_CASE("distances are those on a sphere, also across the date line and at the poles") {
  CHECK(distance_km({{0, 0}, {1, 0}}) == Approx(111.195).epsilon(1e-4));
  CHECK(distance_km({{0, 179.5}, {0, -179.5}}) == Approx(111.195).epsilon(1e-4));
  CHECK(distance_km({{90, 0}, {90, 90}}) == Approx(0).margin(1e-9));
  CHECK(distance_km({{0, 0}, {0, 180}}) == Approx(20015.1).epsilon(1e-4));
  CHECK(distance_km({{34.06893, -118.445127}, {34.06893, -118.445127}}) == 0);
}

TEST_CASE("only places within the query's radius are shown, in their order") {
  const Shown shown = show(northward(5), within(3.5));
  CHECK(shown.status == Status::Ok);
  const json document = json::parse(shown.document);
  REQUIRE(document["results"].size() == 3);
  CHECK(document["results"][0]["name"] == "1");
  CHECK(document["results"][2]["name"] == "3");
  CHECK(document["status"] == "OK");
}

TEST_CASE("at most `max` places are shown, with the attributions of these only") {
  const json document = json::parse(show(northward(5), within(50, 2)).document);
  CHECK(document["results"].size() == 2);
  CHECK(document["html_attributions"] == json({"shared", "1", "2"}));
}

TEST_CASE("a list without a place within the radius gives ZERO_RESULTS") {
  const Shown shown = show(northward(5), within(0.5));
  CHECK(shown.status == Status::ZeroResults);
  CHECK(json::parse(shown.document)["status"] == "ZERO_RESULTS");
  CHECK(show({}, within(50)).status == Status::ZeroResults);
}

TEST_CASE("radius 0 finds a place at exactly this position, and none a metre away") {
  const PlaceList places{{{34.06893, -118.445127}, R"({"name":"here"})", {}}, {{34.06894, -118.445127}, "{}", {}}};
  const json document =
      json::parse(show(places, {.latitude = 34.06893, .longitude = -118.445127, .radius_km = 0, .max = 20}).document);
  REQUIRE(document["results"].size() == 1);
  CHECK(document["results"][0]["name"] == "here");
}

TEST_CASE("each result is on a line of its own") {
  CHECK(show(northward(2), within(50)).document.find("\"results\":[\n{\"name\":\"1\"},\n{\"name\":\"2\"}\n]") !=
        std::string::npos);
}
