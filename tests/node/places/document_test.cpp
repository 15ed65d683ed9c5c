#include "node/places/document.hpp"

#include <nlohmann/json.hpp>

#include "tests/catch.hpp"
#include "tests/node/places/places_table.hpp"

using namespace herd::node::places;
using nlohmann::json;
using testing::index_of;

namespace {

std::string document(const PlaceIndex& index) {
  return document_of(index, index.search({0, 0}, 50, 20));
}

}  // namespace

TEST_CASE("a result has Google's fields, and only those with a known value") {
  const auto index = index_of("geonames:7\tWestwood\t0.05612\t-0.43063\tquarter\tUS\tCalifornia, US\t2019\n");
  const json parsed = json::parse(document(index));
  CHECK(parsed["status"] == "OK");
  CHECK(parsed["html_attributions"].size() == 1);
  CHECK(parsed["html_attributions"][0].get<std::string>().find("GeoNames") != std::string::npos);
  CHECK(parsed["results"] == json::parse(R"([{"name": "Westwood", "place_id": "geonames:7", "reference": "geonames:7",
      "geometry": {"location": {"lat": 0.05612, "lng": -0.43063}}, "types": ["neighborhood", "political"],
      "vicinity": "California, US"}])"));
}

TEST_CASE("each result is on a line of its own, and the document does not end with a newline") {
  const auto index = index_of("cities:1\tA\t0\t0\ttown\tXX\tXX\t0\nunlocode:2\tB\t0.1\t0\tport\tXX\tXX\t0\n");
  const std::string text = document(index);
  CHECK(text.find("\"results\":[\n{\"geometry\":") != std::string::npos);
  CHECK(text.find("},\n{") != std::string::npos);
  CHECK(text.ends_with("}\n],\"status\":\"OK\"}"));
  CHECK(text.find("\n\n") == std::string::npos);
  CHECK(json::parse(text)["results"].size() == 2);
}

TEST_CASE("GeoNames is attributed if its data is shown, and not otherwise") {
  const auto attributions = [](std::string_view id) {
    const auto index = index_of(std::string(id) + "\tA\t0\t0\tport\tXX\tXX\t0\n");
    return json::parse(document(index))["html_attributions"].size();
  };
  CHECK(attributions("geonames:1") == 1);
  CHECK(attributions("cities:1") == 1);
  CHECK(attributions("unlocode:1") == 0);
}

TEST_CASE("names are written in UTF-8, and quotes, backslashes and invalid bytes give valid JSON") {
  const auto name_of = [](std::string_view name) {
    const auto index = index_of("geonames:1\t" + std::string(name) + "\t0\t0\ttown\tXX\tXX\t0\n");
    return json::parse(document(index))["results"][0]["name"].get<std::string>();
  };
  CHECK(name_of("Sant Julià de Lòria 東京") == "Sant Julià de Lòria 東京");
  CHECK(name_of(R"(the "new" \ town)") == R"(the "new" \ town)");
  CHECK(name_of("bad\xFFname") == "bad\xEF\xBF\xBDname");
  CHECK(name_of("del\x7F") == "del\x7F");
}

TEST_CASE("no hits are ZERO_RESULTS") {
  CHECK(document_of(index_of(""), {}) == R"({"html_attributions":[],"results":[],"status":"ZERO_RESULTS"})");
}

TEST_CASE("an empty document has its status, and a message if there is one") {
  CHECK(empty_document(Status::Ok) == R"({"html_attributions":[],"results":[],"status":"OK"})");
  CHECK(empty_document(Status::RequestDenied, "set \"KEY\"\n") ==
        R"({"html_attributions":[],"results":[],"status":"REQUEST_DENIED","error_message":"set \"KEY\"\n"})");
}

TEST_CASE("every status has Google's name, and two of them are answers") {
  CHECK(to_text(Status::Ok) == "OK");
  CHECK(to_text(Status::ZeroResults) == "ZERO_RESULTS");
  CHECK(to_text(Status::OverQueryLimit) == "OVER_QUERY_LIMIT");
  CHECK(to_text(Status::RequestDenied) == "REQUEST_DENIED");
  CHECK(to_text(Status::InvalidRequest) == "INVALID_REQUEST");
  CHECK(to_text(Status::UnknownError) == "UNKNOWN_ERROR");
  CHECK(is_answer(Status::Ok));
  CHECK(is_answer(Status::ZeroResults));
  CHECK_FALSE(is_answer(Status::UnknownError));
}

TEST_CASE("an answer of 20 embedded places is valid JSON") {
  const auto index = PlaceIndex::load(embedded_places());
  REQUIRE(index);
  const json parsed = json::parse(document_of(*index, index->search({48.8566, 2.3522}, 50, 20)));
  CHECK(parsed["results"].size() == 20);
}

TEST_CASE("info messages are added to a document, and an empty list is omitted") {
  std::string document = empty_document(Status::ZeroResults);
  const std::string before = document;
  add_info_messages(document, {});
  CHECK(document == before);
  const std::vector<std::string> messages{"one", "the \"other\""};
  add_info_messages(document, messages);
  CHECK(json::parse(document)["info_messages"] == json(messages));
  CHECK(json::parse(document)["status"] == "ZERO_RESULTS");
}
