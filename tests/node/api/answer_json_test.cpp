// The answers of queries as JSON and GeoJSON.
#include "node/api/answer_json.hpp"

#include <nlohmann/json.hpp>

#include "tests/catch.hpp"

namespace herd::node::api {
namespace {

using nlohmann::json;

const std::string kKiwi = "AT Hill +0.347155985 kiwi +34.068930-118.445127 1795546398.988818653\n";

json kiwi() {
  return json::parse(R"({"client": "kiwi", "coordinates": "+34.068930-118.445127", "time": "1795546398.988818653",
    "latitude": 34.06893, "longitude": -118.445127, "node": "Hill", "difference": 0.347155985})");
}

std::string at(const std::string& client, const std::string& coordinates) {
  return "AT Hill -0.000000001 " + client + " " + coordinates + " 5\n";
}

TEST_CASE("a client is an object with its texts as sent and the numbers in them") {
  CHECK(json::parse(where_json(kKiwi, Format::Json)) == kiwi());
  CHECK(json::parse(where_json(at("a", "-0.5-0/"), Format::Json)) ==
        json::parse(R"({"client": "a", "coordinates": "-0.5-0/", "time": "5", "latitude": -0.5, "longitude": 0,
          "node": "Hill", "difference": -0.000000001})"));
  CHECK(where_json(at("a", "-0.0000001+180"), Format::Json).find(R"("latitude":-0.0000001,"longitude":180,)") !=
        std::string::npos);
}

TEST_CASE("a client is a feature with the longitude first, and all fields as properties") {
  CHECK(json::parse(where_json(kKiwi, Format::GeoJson)) ==
        json{{"type", "Feature"},
             {"geometry", {{"type", "Point"}, {"coordinates", {-118.445127, 34.06893}}}},
             {"properties", kiwi()}});
}

TEST_CASE("a list has its centre, its clients with distance and bearing, and the cursor if there is more") {
  const std::string lines = "IS 0.058 082 " + kKiwi + "IS 18.000 000 " + kKiwi;
  auto first = kiwi();
  first["km"] = 0.058;
  first["bearing"] = 82;
  auto second = kiwi();
  second["km"] = 18;
  second["bearing"] = 0;
  CHECK(json::parse(list_json(kKiwi + lines + "END 3 Qx3f\n", Centre::Possible, Format::Json)) ==
        json{{"centre", kiwi()}, {"clients", {first, second}}, {"next", "Qx3f"}});
  CHECK(json::parse(list_json("END 0\n", Centre::Possible, Format::Json)) ==
        json{{"centre", nullptr}, {"clients", json::array()}, {"next", nullptr}});
  CHECK(json::parse(list_json(kKiwi + kKiwi + "END 2\n", Centre::None, Format::Json)) ==
        json{{"clients", {kiwi(), kiwi()}}, {"next", nullptr}});
}

TEST_CASE("a list in GeoJSON is a collection of features") {
  const json collection =
      json::parse(list_json(kKiwi + "IS 0.058 082 " + kKiwi + "END 2 Qx3f\n", Centre::Possible, Format::GeoJson));
  CHECK(collection.at("type") == "FeatureCollection");
  CHECK(collection.at("centre").at("properties") == kiwi());
  CHECK(collection.at("features").size() == 1);
  CHECK(collection.at("features").at(0).at("properties").at("bearing") == 82);
  CHECK(collection.at("next") == "Qx3f");
}

TEST_CASE("a count is a number") {
  CHECK(count_json("COUNT 1000000\n") == "{\"count\":1000000}\n");
}

TEST_CASE("an id with bytes that are not UTF-8 is replaced, and is there percent-encoded as well") {
  const json odd = json::parse(where_json(at("caf\xE9/1", "+1+2"), Format::Json));
  CHECK(odd.at("client") == "caf\xEF\xBF\xBD/1");
  CHECK(odd.at("client_url") == "caf%E9%2F1");
  CHECK_FALSE(json::parse(where_json(at("caf\xC3\xA9", "+1+2"), Format::Json)).contains("client_url"));
  const std::string quoted = where_json(at("</script>\"\\", "+1+2"), Format::Json);
  CHECK(json::parse(quoted).at("client") == "</script>\"\\");
}

TEST_CASE("a client named AT, IS or END is a client") {
  for (const std::string id : {"AT", "IS", "END"}) {
    const json list = json::parse(list_json(at(id, "+1+2") + "END 1\n", Centre::None, Format::Json));
    CHECK(list.at("clients").at(0).at("client") == id);
  }
  CHECK_FALSE(read_client_line("kiwi"));
  CHECK_FALSE(read_client_line("reset kiwi"));
  CHECK_FALSE(read_client_line(""));
}

}  // namespace
}  // namespace herd::node::api
