// The answers to NEAR, WITHIN and COUNT, to the byte. The lines are parsed as those of a client.
#include "node/area/query.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "node/area/area_filter.hpp"
#include "node/area/sphere.hpp"
#include "protocol/point.hpp"
#include "tests/catch.hpp"
#include "tests/node/area/asking.hpp"

using namespace herd;
using namespace herd::node::area;

namespace {

constexpr std::string_view kCentreRefused =
    "? the client in the centre is not known: it has not reported, or was reset";

}  // namespace

TEST_CASE("NEAR gives the nearest first, with kilometres, bearing and AT line") {
  Asking asking;
  asking.put("north", "+1+0");
  asking.put("east", "+0+2.0");
  asking.put("south", "-0.5-0/");
  asking.put("west", "+0-10");
  asking.put("here", "+0.0+0.0");
  CHECK(asking.answer("NEAR +0+0 500 10") ==
        "IS 0.000 000 " + at_line("here", "+0.0+0.0") + "IS 55.598 180 " + at_line("south", "-0.5-0/") +
            "IS 111.195 000 " + at_line("north", "+1+0") + "IS 222.390 090 " + at_line("east", "+0+2.0") + "END 4\n");
  CHECK(asking.answer("NEAR +50+50 500 10") == "END 0\n");
}

TEST_CASE("a client is inside a circle if its distance in millimetres is at most the radius") {
  Asking asking;
  asking.put("a", "+0+1");
  CHECK(distance({0, 0}, {0, 10'000'000}) == 111'195'080);
  CHECK(asking.answer("NEAR +0+0 111.19508 1") == "IS 111.195 090 " + at_line("a", "+0+1") + "END 1\n");
  CHECK(asking.answer("NEAR +0+0 111.195079 1") == "END 0\n");
  CHECK(asking.answer("COUNT NEAR +0+0 111.19508") == "COUNT 1\n");
  CHECK(asking.answer("COUNT NEAR +0+0 111.195079") == "COUNT 0\n");
}

TEST_CASE("equal distances are ordered by the bytes of the ids") {
  Asking asking;
  for (const std::string client : {"b", "a", "B", "\xC3\xA4", "ab", "+1+1", "c"}) asking.put(client, "+1+1");
  CHECK(asking.answer("NEAR +1+1 0 10") ==
        "IS 0.000 000 " + at_line("+1+1", "+1+1") + "IS 0.000 000 " + at_line("B", "+1+1") + "IS 0.000 000 " +
            at_line("a", "+1+1") + "IS 0.000 000 " + at_line("ab", "+1+1") + "IS 0.000 000 " + at_line("b", "+1+1") +
            "IS 0.000 000 " + at_line("c", "+1+1") + "IS 0.000 000 " + at_line("\xC3\xA4", "+1+1") + "END 7\n");
}

TEST_CASE("the AT line of a centre that is a client comes first, and it is not in its own answer") {
  Asking asking;
  asking.put("kiwi", "+1+1", "6");
  asking.put("papaya", "+1+1");
  asking.put("guava", "+1+2");
  const std::string papaya = "IS 0.000 000 " + at_line("papaya", "+1+1");
  CHECK(asking.answer("NEAR kiwi 1 10") == at_line("kiwi", "+1+1", "6") + papaya + "END 2\n");
  CHECK(asking.answer("NEAR kiwi 500 1").starts_with(at_line("kiwi", "+1+1", "6") + papaya + "END 2 "));
  CHECK(asking.answer("NEAR kiwi 0 0").starts_with(at_line("kiwi", "+1+1", "6") + "END 1 "));
  CHECK(asking.answer("COUNT NEAR kiwi 1") == "COUNT 1\n");
  CHECK(asking.answer("COUNT NEAR +1+1 1") == "COUNT 2\n");
  CHECK(asking.answer("NEAR kiwi 1 10 match=k*") == at_line("kiwi", "+1+1", "6") + "END 1\n");
}

TEST_CASE("a centre that is unknown, was reset or is hidden is refused") {
  Asking asking;
  asking.put("kiwi", "+1+1");
  asking.put("papaya", "+1+1");
  asking.reset("papaya");
  CHECK(asking.answer("NEAR guava 1 10") == kCentreRefused);
  CHECK(asking.answer("NEAR papaya 1 10") == kCentreRefused);
  CHECK(asking.answer("COUNT NEAR papaya 1") == kCentreRefused);
  asking.hide({"kiwi"});
  CHECK(asking.answer("NEAR kiwi 1 10") == kCentreRefused);
  CHECK(asking.answer("COUNT NEAR kiwi 1") == kCentreRefused);
  CHECK(asking.answer("NEAR +1+1 1 10") == "END 0\n");
  asking.put("papaya", "+1+1", "1");
  CHECK(asking.answer("NEAR papaya 1 10") == at_line("papaya", "+1+1", "1") + "END 1\n");
}

TEST_CASE("clients that were reset, and hidden ones, are in no answer") {
  Asking asking;
  for (const std::string client : {"a", "b", "c"}) asking.put(client, "+1+1");
  asking.reset("a");
  asking.hide({"b"});
  CHECK(asking.answer("NEAR +1+1 1 10") == "IS 0.000 000 " + at_line("c", "+1+1") + "END 1\n");
  CHECK(asking.answer("WITHIN +0+0 +2+2 10") == at_line("c", "+1+1") + "END 1\n");
  CHECK(asking.answer("COUNT NEAR +1+1 1") == "COUNT 1\n");
  CHECK(asking.answer("COUNT WITHIN +0+0 +2+2") == "COUNT 1\n");
}

TEST_CASE("match= takes the clients with ids that begin with it") {
  Asking asking;
  for (const std::string client : {"bus-1", "bus", "bus*x", "Bus-1", "abus-"}) asking.put(client, "+1+1");
  CHECK(asking.answer("COUNT NEAR +1+1 0 match=bus*") == "COUNT 3\n");
  CHECK(asking.answer("COUNT NEAR +1+1 0 match=bus-*") == "COUNT 1\n");
  CHECK(asking.answer("COUNT NEAR +1+1 0 match=bus**") == "COUNT 1\n");
  CHECK(asking.answer("COUNT NEAR +1+1 0 match=*") == "COUNT 5\n");
  CHECK(asking.answer("WITHIN +1+1 +1+1 9 match=bus-*") == at_line("bus-1", "+1+1") + "END 1\n");
  CHECK(asking.answer("NEAR +1+1 0 9 match=B*") == "IS 0.000 000 " + at_line("Bus-1", "+1+1") + "END 1\n");
}

TEST_CASE("newer= takes the clients that reported at most so long ago by the node's clock") {
  Asking asking;
  asking.set_wall(100s);
  asking.put("old", "+1+1", "39.999999999");
  asking.put("edge", "+1+1", "40");
  asking.put("new", "+1+1", "99");
  asking.put("future", "+1+1", "400");
  CHECK(asking.answer("COUNT NEAR +1+1 0 newer=60") == "COUNT 3\n");
  CHECK(asking.answer("COUNT NEAR +1+1 0 newer=60.000000001") == "COUNT 4\n");
  CHECK(asking.answer("COUNT NEAR +1+1 0 newer=0") == "COUNT 1\n");
  CHECK(asking.answer("WITHIN +1+1 +1+1 9 newer=0") == at_line("future", "+1+1", "400") + "END 1\n");
  CHECK(asking.answer("NEAR old 0 9 newer=1") == at_line("old", "+1+1", "39.999999999") + "IS 0.000 000 " +
                                                     at_line("future", "+1+1", "400") + "IS 0.000 000 " +
                                                     at_line("new", "+1+1", "99") + "END 3\n");
}

TEST_CASE("answers in the smallest slices are those in one slice") {
  Asking asking;
  fill_town(asking, 700);
  asking.put("kiwi", "+48.105+11.105");
  for (const std::string line :
       {"NEAR kiwi 5 100", "NEAR kiwi 20016 1000", "WITHIN +48+11 +49+12 500", "COUNT NEAR kiwi 0.5",
        "COUNT WITHIN +48.1+11.1 +48.105+11.11", "NEAR +48.1+11.1 5 0", "COUNT NEAR +48.1+11.1 5 match=bus-*"}) {
    INFO(line);
    Over slice;
    CHECK(asking.answer(line, slice, [] {}) == asking.answer(line));
  }
}

TEST_CASE("the answers are those of a search through all clients") {
  Asking asking;
  std::mt19937_64 random(3);
  std::map<std::string, protocol::Point> points;
  for (int i = 0; i < 500; ++i) {
    const std::string client = std::to_string(random() % 1000);
    const std::string latitude =
        i % 10 == 0 ? (i % 20 == 0 ? "+90" : "-90") : (random() % 2 == 0 ? "+" : "-") + std::to_string(random() % 90);
    const std::string longitude = (random() % 2 == 0 ? "+" : "-") + std::to_string(i % 10 == 1 ? 180 : random() % 180);
    asking.put(client, latitude + longitude, std::to_string(i));
    points[client] = protocol::point_of(latitude + longitude);
  }
  const auto drawn = [&] {
    return (random() % 2 == 0 ? "+" : "-") + std::to_string(random() % 91) + (random() % 2 == 0 ? "+" : "-") +
           std::to_string(random() % 181);
  };
  for (int i = 0; i < 300; ++i) {
    const std::string centre = drawn();
    const std::string km = std::to_string(random() % 20'017);
    std::vector<std::pair<protocol::Millimetres, std::string>> near;
    const auto radius = static_cast<protocol::Millimetres>(std::stoll(km)) * 1'000'000;
    for (const auto& [client, point] : points) {
      const auto away = distance(protocol::point_of(centre), point);
      if (away <= radius) near.emplace_back(away, client);
    }
    std::sort(near.begin(), near.end());
    const auto lines = lines_of(asking.answer("NEAR " + centre + " " + km + " 1000"));
    REQUIRE(lines.size() == near.size() + 1);
    for (std::size_t at = 0; at < near.size(); ++at) {
      std::string expected = "IS ";
      append_km(expected, near[at].first);
      expected += " ";
      append_bearing(expected, polar(protocol::point_of(centre), points[near[at].second]).bearing);
      expected += " AT Hill +0.000000001 " + near[at].second + " ";
      if (!lines[at].starts_with(expected)) FAIL(lines[at] << " is not " << expected);
    }
    REQUIRE(asking.answer("COUNT NEAR " + centre + " " + km) == "COUNT " + std::to_string(near.size()) + "\n");
    const std::string corner = drawn();
    const bool is_swapped = protocol::point_of(corner).latitude < protocol::point_of(centre).latitude;
    const protocol::Box box{protocol::point_of(is_swapped ? corner : centre),
                            protocol::point_of(is_swapped ? centre : corner)};
    const std::string corners = is_swapped ? corner + " " + centre : centre + " " + corner;
    std::size_t inside = 0;
    for (const auto& [client, point] : points) inside += BoxFilter(box).contains(spot_of(point)) ? 1 : 0;
    REQUIRE(asking.answer("COUNT WITHIN " + corners) == "COUNT " + std::to_string(inside) + "\n");
    REQUIRE(lines_of(asking.answer("WITHIN " + corners + " 1000")).size() == inside + 1);
  }
}

TEST_CASE("a client that moves while the query runs has the distance of its line, and the lines stay sorted") {
  Asking asking;
  const std::vector<std::string> clients = fill_town(asking, 600);
  std::mt19937_64 random(11);
  std::uint64_t now = 1000;
  const auto move_some = [&] {
    for (int i = 0; i < 20; ++i) {
      const std::string& client = clients[random() % clients.size()];
      const auto offset = [&] { return std::to_string(100 + random() % 12); };
      if (random() % 20 == 0) {
        asking.reset(client);
      } else {
        asking.put(client, random() % 10 == 0 ? "+0+0" : "+48." + offset() + "+11." + offset(), std::to_string(++now));
      }
    }
    asking.follow();
  };
  const protocol::Point centre = protocol::point_of("+48.105+11.105");
  const protocol::Box box{protocol::point_of("+48.1+11.1"), protocol::point_of("+48.105+11.105")};
  for (int round = 0; round < 20; ++round) {
    Over slice;
    const auto lines = lines_of(asking.answer("NEAR +48.105+11.105 0.9 400", slice, move_some));
    protocol::Millimetres last = 0;
    std::set<std::string> found;
    for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
      std::istringstream words(lines[i]);
      std::string is, km, degrees, at, node, difference, client, coordinates;
      words >> is >> km >> degrees >> at >> node >> difference >> client >> coordinates;
      const auto away = distance(centre, protocol::point_of(coordinates));
      std::string expected;
      append_km(expected, away);
      if (km != expected || away > 900'000 || away < last) FAIL(lines[i]);
      if (!found.insert(client).second) FAIL(client << " is twice in the answer");
      last = away;
    }
    const auto within = lines_of(asking.answer("WITHIN +48.1+11.1 +48.105+11.105 400", slice, move_some));
    for (std::size_t i = 0; i + 1 < within.size(); ++i) {
      std::istringstream words(within[i]);
      std::string at, node, difference, client, coordinates;
      words >> at >> node >> difference >> client >> coordinates;
      if (!BoxFilter(box).contains(spot_of(protocol::point_of(coordinates)))) {
        FAIL(within[i]);
      }
    }
  }
}
