// The parameters of the API's requests, from a target's text to the commands of the line protocol.
#include "node/api/question.hpp"

#include <string>
#include <vector>

#include "tests/catch.hpp"

namespace herd::node::api {
namespace {

using namespace std::chrono_literals;

http::Request request(const std::string& query, const std::string& path = "/v1/x") {
  http::Request made;
  made.method = "GET";
  made.path = path;
  made.query = query;
  return made;
}

using Ask = protocol::Result<QuestionPtr> (*)(const http::Request& request);

std::string problem(Ask ask, const std::string& query) {
  const auto question = ask(request(query));
  return question ? "" : question.error().message;
}

TEST_CASE("names and values are percent-decoded, and a plus is a plus") {
  constexpr std::array<std::string_view, 3> allowed{"a", "b", "c"};
  const Parameters parameters("a=%2B1&&b&c=x%3Dy=z", allowed);
  CHECK_FALSE(parameters.problem());
  CHECK(parameters.text("a") == "+1");
  CHECK(parameters.text("b") == "");
  CHECK(parameters.text("c") == "x=y=z");
  CHECK_FALSE(parameters.has("d"));
}

TEST_CASE("NEAR over HTTP has the operands and options of the line") {
  const auto question = ask_near(request("client=kiwi&km=1.5&max=7&match=truck-*&newer=60&after=Qx3f"));
  REQUIRE(question);
  const auto& near = std::get<protocol::Near>((*question)->asked);
  CHECK(near.circle.centre.client == "kiwi");
  CHECK(near.circle.radius == 1'500'000);
  CHECK(near.max == 7);
  CHECK(near.filter.prefix == "truck-");
  CHECK(near.filter.newer == 60s);
  CHECK(near.after == "Qx3f");
  CHECK(std::get<protocol::Near>((*ask_near(request("at=+1+2&km=0")))->asked).max == kDefaultMax);
}

TEST_CASE("a point is ISO 6709 or two numbers with a comma, and a client with the form of coordinates is a client") {
  for (const char* at : {"+34.07-118.44", "34.07,-118.44", "+34.07,-118.44", "%2B34.07-118.44", "34.07%2C-118.44"}) {
    INFO(at);
    const auto question = ask_near(request("km=1&at=" + std::string(at)));
    REQUIRE(question);
    const auto& centre = std::get<protocol::Near>((*question)->asked).circle.centre;
    CHECK(centre.point == protocol::Point{340'700'000, -1'184'400'000});
    CHECK(centre.client.empty());
  }
  const auto question = ask_near(request("km=1&client=+1+2"));
  CHECK(std::get<protocol::Near>((*question)->asked).circle.centre.client == "+1+2");
  for (const char* at : {"", ",", "1", "1,", ",1", "1,2,3", "91,0", "0,181", "1e3,0", "a,b", "+-1,0", "1, 2"}) {
    INFO(at);
    CHECK(problem(ask_near, "km=1&at=" + std::string(at)) != "");
  }
}

TEST_CASE("a circle has one centre, and a count one area") {
  CHECK(problem(ask_near, "km=1") == "the circle needs one centre: give client or at");
  CHECK(problem(ask_near, "km=1&client=a&at=1,2") == "the circle needs one centre: give client or at");
  CHECK(problem(ask_near, "client=a") == "the parameter km is missing: add it");
  CHECK(problem(ask_count, "client=a&km=1&sw=1,1&ne=2,2") != "");
  CHECK(problem(ask_count, "") != "");
  const auto box = ask_count(request("sw=1,1&ne=2,2&match=a*"));
  CHECK(std::holds_alternative<protocol::Box>(std::get<protocol::Count>((*box)->asked).area));
  const auto circle = ask_count(request("at=1,2&km=3"));
  CHECK(std::holds_alternative<protocol::Circle>(std::get<protocol::Count>((*circle)->asked).area));
}

TEST_CASE("a mistake names the parameter or lists those that the page has, and never repeats the client's text") {
  CHECK(problem(ask_near, "client=a&km=-1").starts_with("km: "));
  CHECK(problem(ask_near, "client=a&km=1&max=1001").starts_with("max: "));
  CHECK(problem(ask_near, "client=a&km=1&match=a").starts_with("match: "));
  CHECK(problem(ask_near, "client=a&km=1&km=1") == "km is given twice: remove one");
  CHECK(problem(ask_near, "client=a%20b&km=1").starts_with("client contains a blank"));
  CHECK(problem(ask_near, "client=a%07&km=1").starts_with("client contains a blank"));
  CHECK(problem(ask_near, "client=&km=1") == "client: the id is empty: write one");
  CHECK(problem(ask_near, "client=" + std::string(256, 'a') + "&km=1").starts_with("client: "));
  CHECK(problem(ask_within, "sw=2,0&ne=1,0").starts_with("south of the box"));
  CHECK(problem(ask_within, "client=a") == "a parameter is unknown: this page has sw, ne, max, match, newer, after");
  CHECK(problem(ask_within, "<script>=1").find('<') == std::string::npos);
}

TEST_CASE("the id of /v1/where/ is the rest of the path, with any bytes that an id can have") {
  for (const std::string id : {"kiwi", "a/../b", "<b>&\"", "caf\xE9", "+1+2", "%41"}) {
    const auto question = ask_where(request("", "/v1/where/" + id));
    REQUIRE(question);
    CHECK(std::get<protocol::Whereis>((*question)->asked).client == id);
  }
  CHECK_FALSE(ask_where(request("", "/v1/where/a b")));
  CHECK_FALSE(ask_where(request("", "/v1/where/a\xFF")));
  CHECK_FALSE(ask_where(request("", "/v1/where/" + std::string(256, 'a'))));
  CHECK(ask_where(request("", "/v1/where/" + std::string(255, 'a'))));
  CHECK_FALSE(ask_where(request("max=1", "/v1/where/kiwi")));
}

TEST_CASE("the map has a box, and the place that an earlier answer named") {
  const auto question = ask_map(request("sw=-1,170&ne=1,-170&since=27d4eb2f165667c5:12"));
  REQUIRE(question);
  const auto& map = std::get<MapAsked>((*question)->asked);
  CHECK(map.box.south_west.longitude == 1'700'000'000);
  CHECK(map.since->feed_id == 0x27d4eb2f165667c5);
  CHECK(map.since->number == 12);
  CHECK_FALSE(std::get<MapAsked>((*ask_map(request("sw=1,1&ne=2,2")))->asked).since);
  CHECK(problem(ask_map, "sw=1,1").starts_with("the parameter ne is missing"));
  CHECK(problem(ask_map, "sw=1,1&ne=2,2&since=12").starts_with("since: "));
}

const protocol::Watch& watch_of(const protocol::Result<QuestionPtr>& question) {
  REQUIRE(question);
  return std::get<protocol::Watch>((*question)->asked);
}

TEST_CASE("a watch over HTTP watches one thing, with the options that have a meaning for it") {
  const auto circle = ask_watch(request("near=kiwi&km=2&slack=0.5&dwell=30&every=5&beat=10&match=t*"));
  CHECK(std::get<protocol::Circle>(watch_of(circle).what).centre.client == "kiwi");
  CHECK(watch_of(circle).options.slack == 500'000);
  CHECK(watch_of(circle).options.dwell == 30s);
  CHECK(watch_of(circle).options.every == 5s);
  CHECK(watch_of(circle).options.beat == 10s);
  CHECK(watch_of(circle).options.prefix == "t");
  const auto prefix = ask_watch(request("client=truck-*"));
  CHECK(std::get<protocol::WatchedClients>(watch_of(prefix).what).is_prefix);
  CHECK(watch_of(prefix).options.beat == kDefaultBeat);
  CHECK(std::holds_alternative<protocol::Box>(watch_of(ask_watch(request("sw=1,1&ne=2,2&dwell=1"))).what));
  CHECK(std::holds_alternative<protocol::AllClients>(watch_of(ask_watch(request("all"))).what));
  CHECK(std::holds_alternative<protocol::Circle>(watch_of(ask_watch(request("at=1,2&km=3"))).what));
  for (const char* query :
       {"", "all&client=a", "km=1&sw=1,1&ne=2,2", "client=", "client=a&match=b*", "all&slack=1", "all&dwell=1",
        "sw=1,1&ne=2,2&slack=1", "all&beat=4", "all&since=x", "at=1,2&km=20016&slack=0.001"}) {
    INFO(query);
    CHECK(problem(ask_watch, query) != "");
  }
}

TEST_CASE("a browser that connects again continues by Last-Event-ID, and a foreign id begins a new watch") {
  auto again = request("all&since=27d4eb2f165667c5:1");
  CHECK(watch_of(ask_watch(again)).options.from->number == 1);
  again.headers.push_back({"last-event-id", "27d4eb2f165667c5:9"});
  CHECK(watch_of(ask_watch(again)).options.from->number == 9);
  again.headers.back().value = "of another server";
  CHECK_FALSE(watch_of(ask_watch(again)).options.from);
}

}  // namespace
}  // namespace herd::node::api
