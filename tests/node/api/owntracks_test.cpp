// The payloads are those that OwnTracks documents, to the byte, and mistakes in them.
#include "node/api/owntracks.hpp"

#include <string>

#include "tests/catch.hpp"

namespace herd::node::api {
namespace {

constexpr std::string_view kShort = R"({"lon":2.29513,"lat":48.85833,"_type":"location","tst":1497476456, "tid":"JJ"})";
constexpr std::string_view kWithTopic = R"({
  "cog": 271,
  "batt": 41,
  "lon": 2.29513,
  "acc": 5,
  "vel": 61,
  "vac": 21,
  "lat": 48.85833,
  "t": "u",
  "tst": 1497508651,
  "alt": 167,
  "_type": "location",
  "topic": "owntracks/jane/iphone",
  "p": 71,
  "tid": "JJ"
})";
constexpr std::string_view kAndroid =
    R"({"_type":"location","acc":22,"alt":257,"batt":93,"bs":1,"created_at":1616985986,"lat":-33.8568,"lon":151.2153,)"
    R"("tid":"5","tst":1616985985,"vac":0,"vel":0})";

PhoneReport only_report(std::string_view body, const OwnTracksSender& sender = {}) {
  const PhonePayload payload = read_owntracks(body, sender);
  CHECK(payload.app == PhoneApp::OwnTracks);
  CHECK(payload.dropped.empty());
  CHECK_FALSE(payload.refusal);
  REQUIRE(payload.reports.size() == 1);
  return payload.reports[0];
}

PhoneResult only_dropped(std::string_view body) {
  const PhonePayload payload = read_owntracks(body, {});
  CHECK(payload.reports.empty());
  CHECK_FALSE(payload.refusal);
  REQUIRE(payload.dropped.size() == 1);
  CHECK_FALSE(payload.dropped[0].reason.empty());
  return payload.dropped[0].result;
}

TEST_CASE("a location of OwnTracks is a report with its position and time") {
  const PhoneReport shortest = only_report(kShort);
  CHECK(shortest.coordinates == "+48.8583300+2.2951300");
  CHECK(shortest.time == "1497476456");
  CHECK(shortest.at == std::chrono::seconds(1'497'476'456));
  CHECK(only_report(kWithTopic).time == "1497508651");
  CHECK(only_report(kAndroid).coordinates == "-33.8568000+151.2153000");
}

TEST_CASE("the id is that of the headers, else the topic, else the tid") {
  CHECK(only_report(kShort).id == "JJ");
  CHECK(only_report(kWithTopic).id == "jane/iphone");
  CHECK(only_report(kWithTopic, {"jane", "phone"}).id == "jane/phone");
  CHECK(only_report(kWithTopic, {"jane", ""}).id == "jane");
  CHECK(only_report(kWithTopic, {"", "phone"}).id == "phone");
  CHECK(only_report(R"({"_type":"location","lat":1,"lon":2,"tst":3,"topic":"other/jane"})").id == "other/jane");
  CHECK(only_report(R"({"_type":"location","lat":1,"lon":2,"tst":3})").id.empty());
}

TEST_CASE("numbers may be texts, and a time may have a fraction") {
  const PhoneReport report = only_report(R"({"_type":"location","lat":"1.5","lon":"-2","tst":"1497476456"})");
  CHECK(report.coordinates == "+1.5000000-2.0000000");
  CHECK(report.time == "1497476456");
  CHECK(only_report(R"({"_type":"location","lat":1,"lon":2,"tst":1497476456.25})").time == "1497476456.25");
}

TEST_CASE("other messages, and the empty one, are ignored") {
  CHECK(only_dropped("") == PhoneResult::Ignored);
  for (const char* type : {"transition", "waypoint", "waypoints", "lwt", "status", "card", "cmd", "configuration",
                           "beacon", "steps", "request", "dump"}) {
    INFO(type);
    CHECK(only_dropped(R"({"_type":")" + std::string(type) + R"(","lat":1,"lon":2,"tst":3,"wtst":4})") ==
          PhoneResult::Ignored);
  }
  CHECK(only_dropped(
            R"({"_type":"status","_id":"642b4ff4","android":{"hib":1,"bo":1},"topic":"owntracks/u/d/status"})") ==
        PhoneResult::Ignored);
}

TEST_CASE("an encrypted message is refused, so that the app keeps it until the key is removed") {
  const PhonePayload payload = read_owntracks(R"({"_type":"encrypted","data":"AAAA"})", {});
  REQUIRE(payload.refusal);
  CHECK(payload.refusal->status == 400);
  CHECK(payload.refusal->reason.find("encryption key") != std::string::npos);
}

TEST_CASE("a location without a position has none") {
  for (const char* fields :
       {R"("tst":3)", R"("lat":1,"tst":3)", R"("lat":null,"lon":null,"tst":3)", R"("lat":NaN,"lon":2,"tst":3)",
        R"("lat":1,"lon":-Infinity,"tst":3)", R"("lat":"NaN","lon":2,"tst":3)", R"("lat":[1],"lon":2,"tst":3)"}) {
    INFO(fields);
    CHECK(only_dropped(R"({"_type":"location",)" + std::string(fields) + "}") == PhoneResult::NoPosition);
  }
}

TEST_CASE("a message that can never be used is dropped as invalid") {
  for (const char* fields :
       {R"("lat":1,"lon":2)", R"("lat":1,"lon":2,"tst":null)", R"("lat":1,"lon":2,"tst":-1)",
        R"("lat":90.0000001,"lon":2,"tst":3)", R"("lat":1,"lon":-180.1,"tst":3)", R"("lat":1,"lon":2,"tst":9223372036)",
        R"("lat":1,"lon":2,"tst":"soon")", R"("lat":1,"lon":2,"tst":1e300)", R"("lat":1e99,"lon":2,"tst":3)"}) {
    INFO(fields);
    CHECK(only_dropped(R"({"_type":"location",)" + std::string(fields) + "}") == PhoneResult::Invalid);
  }
  for (const char* body : {"{", "nonsense", "5", "null", "\"location\"", "{}", "\xff\xfe", "{\"_type\"",
                           R"({"_type":"location","lat":1e999,"lon":2,"tst":3})"}) {
    INFO(body);
    CHECK(only_dropped(body) == PhoneResult::Invalid);
  }
  CHECK(only_dropped(std::string(200'000, '[')) == PhoneResult::Invalid);
}

TEST_CASE("an array of late reports is put into the order of time, and bounded") {
  std::string body = "[";
  for (const int time : {30, 10, 20}) {
    body += R"({"_type":"location","lat":1,"lon":2,"tst":)" + std::to_string(time) + "},";
  }
  body += R"({"_type":"lwt","tst":1},{"_type":"location","tst":5}])";
  const PhonePayload payload = read_owntracks(body, {});
  REQUIRE(payload.reports.size() == 3);
  CHECK(payload.reports[0].time == "10");
  CHECK(payload.reports[2].time == "30");
  CHECK(payload.dropped.size() == 2);
  CHECK(read_owntracks("[]", {}).reports.empty());

  const auto array_of = [](std::size_t messages) {
    std::string text = "[";
    for (std::size_t i = 0; i < messages; ++i) text += i == 0 ? "{}" : ",{}";
    return text + "]";
  };
  CHECK_FALSE(read_owntracks(array_of(kMaxPhoneMessages), {}).refusal);
  REQUIRE(read_owntracks(array_of(kMaxPhoneMessages + 1), {}).refusal);
  CHECK(read_owntracks(array_of(kMaxPhoneMessages + 1), {}).refusal->status == 413);
}

}  // namespace
}  // namespace herd::node::api
