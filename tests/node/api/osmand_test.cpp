// The payloads are those that Traccar, Traccar Client, OsmAnd and GPSLogger document, to the byte; and mistakes in
// them.
#include "node/api/osmand.hpp"

#include <string>

#include "tests/catch.hpp"

namespace herd::node::api {
namespace {

constexpr protocol::Nanoseconds kWall = std::chrono::milliseconds(1'520'023'934'918);

PhoneReport only_report(const PhonePayload& payload) {
  CHECK(payload.dropped.empty());
  CHECK_FALSE(payload.refusal);
  REQUIRE(payload.reports.size() == 1);
  return payload.reports[0];
}
PhoneReport of_query(std::string_view query) {
  return only_report(read_osmand({query, {}}, kWall));
}
PhoneResult dropped(const PhonePayload& payload) {
  CHECK(payload.reports.empty());
  REQUIRE(payload.dropped.size() == 1);
  return payload.dropped[0].result;
}

TEST_CASE("the parameters of Traccar Client, OsmAnd and GPSLogger are a report") {
  const PhoneReport client = of_query(
      "id=123456789012345&timestamp=1377177267&lat=60.0&lon=-30.5&speed=0.0&bearing=0.0&altitude=0.0&accuracy=12.5&"
      "batt=59.0");
  CHECK(client.id == "123456789012345");
  CHECK(client.coordinates == "+60.0000000-30.5000000");
  CHECK(client.time == "1377177267");
  const PhoneReport osmand =
      of_query("id=123456&lat=49.60688&lon=6.15788&timestamp=1520023934918&hdop=9.2&altitude=384.7&speed=6.828");
  CHECK(osmand.time == "1520023934.918");
  CHECK(osmand.coordinates == "+49.6068800+6.1578800");
  CHECK(of_query("deviceid=kiwi&lat=-33.85&lon=151.21&timestamp=2014-04-21T03:59:00.000Z&desc=%20").time ==
        "1398052740");
  CHECK(of_query("id=1&lat=60&lon=30&timestamp=2016-01-27%2005%3A55%3A47&valid=true").time == "1453874147");
  CHECK(of_query("id=902064&location=42.06288,-88.23412&timestamp=2016-01-27T18:55:47Z").coordinates ==
        "+42.0628800-88.2341200");
}

TEST_CASE("a body of a form is read after the query, and the last value of a name counts") {
  CHECK(only_report(read_osmand({"id=a&lat=1&lon=2&timestamp=3", "id=b&lat=4"}, kWall)).id == "b");
  CHECK(only_report(read_osmand({"", "id=a&lat=1&lon=2&timestamp=3"}, kWall)).coordinates == "+1.0000000+2.0000000");
  CHECK(of_query("id=a&id=b&lat=1&lon=2&timestamp=3").id == "b");
  CHECK(of_query("&&id=a&lat=1&lon=2&timestamp=3&=&x").id == "a");
}

TEST_CASE("without a timestamp the report has the node's time") {
  CHECK(of_query("id=a&lat=1&lon=2").time == "1520023934.918");
}

TEST_CASE("parameters without a position, or of a position that is not valid, are dropped") {
  for (const char* query : {"", "id=a", "id=a&lat=1", "id=a&lat=NaN&lon=2", "id=a&lat={0}&lon={1}",
                            "id=a&lat=&lon=", "id=a&location=1", "id=a&location=,", "id=a&lat=1,5&lon=2",
                            "id=a&lat=inf&lon=2", "id=a&lat=1&lon=2&valid=false", "id=a&lat=1&lon=2&valid=0"}) {
    INFO(query);
    CHECK(dropped(read_osmand({query, {}}, kWall)) == PhoneResult::NoPosition);
  }
}

TEST_CASE("parameters that can never be used are dropped as invalid") {
  for (const char* query :
       {"id=a&lat=91&lon=2&timestamp=3", "id=a&lat=1&lon=2&timestamp=", "id=a&lat=1&lon=2&timestamp=x",
        "id=a&lat=1&lon=2&timestamp=-5", "id=%4&lat=1&lon=2&timestamp=3", "id=%00&lat=1&lon=2&timestamp=3"}) {
    INFO(query);
    CHECK(dropped(read_osmand({query, {}}, kWall)) == PhoneResult::Invalid);
  }
}

constexpr std::string_view kJson =
    R"({"location":{"timestamp":"2000-01-01T00:00:00.000Z","coords":{"latitude":0.0,"longitude":0.0,"accuracy":0,)"
    R"("speed":0,"heading":0,"altitude":0},"is_moving":false,"odometer":0,"event":"motionchange","battery":{"level":1,)"
    R"("is_charging":false},"activity":{"type":"still"},"extras":{}},"device_id":"48241179"})";

TEST_CASE("the JSON of Traccar Client is a report") {
  const PhoneReport report = only_report(read_traccar(kJson));
  CHECK(report.id == "48241179");
  CHECK(report.coordinates == "+0.0000000+0.0000000");
  CHECK(report.time == "946684800");
  CHECK(read_traccar(kJson).app == PhoneApp::Traccar);
  CHECK(only_report(read_traccar(R"({"device_id":7,"location":{"timestamp":1520023934918,"coords":)"
                                 R"({"latitude":1.5,"longitude":-2,"heading":NaN,"altitude":null}}})"))
            .id == "7");
}

TEST_CASE("an array of locations is put into the order of time, and bounded") {
  const auto array_of = [](std::size_t count) {
    std::string text = R"({"device_id":"a","location":[)";
    for (std::size_t i = 0; i < count; ++i) {
      text += i == 0 ? "" : ",";
      text += R"({"timestamp":)" + std::to_string(9'000 - i) + R"(,"coords":{"latitude":1,"longitude":2}})";
    }
    return text + "]}";
  };
  const PhonePayload payload = read_traccar(array_of(kMaxPhoneMessages));
  REQUIRE(payload.reports.size() == kMaxPhoneMessages);
  CHECK(payload.reports.front().at < payload.reports.back().at);
  CHECK(read_traccar(array_of(kMaxPhoneMessages + 1)).refusal->status == 413);
}

TEST_CASE("JSON without a location or a position is dropped") {
  for (const char* body : {"", "{", "[]", "5", "{}", R"({"device_id":"a"})", R"({"location":null})"}) {
    INFO(body);
    CHECK(dropped(read_traccar(body)) == PhoneResult::Invalid);
  }
  for (const char* location : {"{}", "5", R"({"coords":null})", R"({"coords":{"latitude":1}})",
                               R"({"coords":{"latitude":NaN,"longitude":NaN},"timestamp":"2000-01-01T00:00:00Z"})"}) {
    INFO(location);
    CHECK(dropped(read_traccar(R"({"device_id":"a","location":)" + std::string(location) + "}")) ==
          PhoneResult::NoPosition);
  }
}

}  // namespace
}  // namespace herd::node::api
