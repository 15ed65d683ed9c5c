// The answers of /v1/map, to the byte.
#include "node/api/map_query.hpp"

#include <cstring>
#include <map>

#include "tests/bus/sample_update.hpp"
#include "tests/catch.hpp"
#include "tests/node/area/clients.hpp"

namespace herd::node::api {
namespace {

using namespace std::chrono_literals;

struct Client {
  protocol::Point point;
  unsigned age = 0;
  std::string node;
  unsigned flags = 0;
};

// An answer as a page reads it.
struct Map {
  std::uint64_t feed = 0;
  std::uint64_t number = 0;
  MapKind kind = MapKind::All;
  std::map<std::uint32_t, Client> clients;
  std::vector<area::CellCount> cells;
};

template <typename Number>
Number take(std::string_view& bytes) {
  Number number = 0;
  REQUIRE(bytes.size() >= sizeof number);
  std::memcpy(&number, bytes.data(), sizeof number);
  bytes.remove_prefix(sizeof number);
  return number;
}

Map read(const std::string& answer) {
  std::string_view bytes = answer;
  REQUIRE(bytes.starts_with("HERDMAP1"));
  bytes.remove_prefix(8);
  Map map{take<std::uint64_t>(bytes), take<std::uint64_t>(bytes), MapKind{take<std::uint32_t>(bytes)}, {}, {}};
  std::map<std::uint32_t, unsigned> node_of;
  for (auto count = take<std::uint32_t>(bytes); count > 0; --count) {
    if (map.kind == MapKind::Cells) {
      const auto latitude = take<std::int32_t>(bytes);
      const auto longitude = take<std::int32_t>(bytes);
      map.cells.push_back({{latitude, longitude}, take<std::uint32_t>(bytes)});
      continue;
    }
    const auto record = take<std::uint32_t>(bytes);
    Client& client = map.clients[record];
    client.point.latitude = take<std::int32_t>(bytes);
    client.point.longitude = take<std::int32_t>(bytes);
    client.age = take<std::uint16_t>(bytes);
    node_of[record] = take<std::uint8_t>(bytes);
    client.flags = take<std::uint8_t>(bytes);
  }
  std::vector<std::string> nodes;
  for (auto count = take<std::uint8_t>(bytes); count > 0; --count) {
    const std::size_t size = take<std::uint8_t>(bytes);
    nodes.emplace_back(bytes.substr(0, size));
    bytes.remove_prefix(size);
  }
  CHECK(bytes.empty());
  for (auto& [record, client] : map.clients) client.node = nodes.at(node_of[record]);
  return map;
}

struct World {
  bus::Store store{1, 100};
  area::AreaIndex index{store};
  std::uint64_t oldest = 100;
  area::Visible visible;

  World() { index.start(); }

  void put(const std::string& client, const std::string& coordinates, std::string_view node = "Hill",
           std::uint32_t epoch = 0) {
    protocol::Update update = bus::sample_update(client, store.feed().tail() + 1);
    update.id.origin = node;
    update.coordinates = coordinates;
    update.time = protocol::Nanoseconds(1s) * static_cast<std::int64_t>(store.feed().tail());
    update.time_text = "5";
    const std::string time = std::to_string(store.feed().tail());
    update.time_text = time;
    update.difference = 250ms;
    update.epoch = epoch;
    REQUIRE(store.merge(update, bus::kFromClient) == bus::Store::Merged::Changed);
  }
  void reset(const std::string& client) {
    protocol::Update update = bus::sample_update(client, store.feed().tail() + 1);
    update.coordinates = "";
    update.time_text = bus::kResetTime;
    update.time = 0s;
    update.epoch = 1;
    (void)store.merge(update, bus::kFromClient);
  }
  std::string bytes(const MapAsked& asked, area::Slice& slice) {
    area::Unlimited endless;
    while (!index.is_current()) index.follow(endless, {});
    MapQuery query({store, index, 7, oldest, 200s}, asked, visible);
    while (!query.run(slice)) {
    }
    return query.take_answer();
  }
  Map ask(const MapAsked& asked) {
    area::Unlimited endless;
    area::Shortest shortest;
    const std::string answer = bytes(asked, endless);
    const Map map = read(answer);
    if (map.kind == MapKind::Cells) {
      CHECK(bytes(asked, shortest) == answer);
    } else {
      CHECK(read(bytes(asked, shortest)).clients.size() == map.clients.size());
    }
    return map;
  }
};

constexpr protocol::Box kWorldBox{{-protocol::kMaxLatitude, -protocol::kMaxLongitude},
                                  {protocol::kMaxLatitude, protocol::kMaxLongitude}};
constexpr protocol::Box kNearZero{{-10'000'000, -10'000'000}, {20'000'000, 20'000'000}};

TEST_CASE_METHOD(World, "the map of a box has each client inside with its place, age and node") {
  put("a", "+1+2");
  put("b", "-0.5-0.25", "Jaquez");
  put("far", "+50+50");
  put("c", "+0+0");
  const Map map = ask({kNearZero, std::nullopt});
  CHECK(map.feed == 7);
  CHECK(map.number == 104);
  CHECK(map.kind == MapKind::All);
  REQUIRE(map.clients.size() == 3);
  const Client& a = map.clients.at(store.locate("a").index());
  CHECK(a.point == protocol::Point{10'000'000, 20'000'000});
  CHECK(a.node == "Hill");
  CHECK(a.age == 99);  // the node received it at 100.25 s
  CHECK(a.flags == 0);
  CHECK(map.clients.at(store.locate("b").index()).node == "Jaquez");
  CHECK(ask({kWorldBox, std::nullopt}).clients.size() == 4);
}

TEST_CASE_METHOD(World, "after an earlier answer come the clients that have changed since, wherever they are") {
  put("a", "+1+2");
  put("b", "+1+2");
  put("c", "+1+2");
  const Map first = ask({kNearZero, std::nullopt});
  put("b", "+80+80");
  reset("c");
  put("d", "+1+1");
  const Map next = ask({kNearZero, protocol::ResumeFrom{7, first.number}});
  CHECK(next.kind == MapKind::Changed);
  CHECK(next.number == 106);
  REQUIRE(next.clients.size() == 3);
  CHECK(next.clients.at(store.locate("b").index()).point == protocol::Point{800'000'000, 800'000'000});
  CHECK(next.clients.at(store.locate("c").index()).flags == 1);
  CHECK(next.clients.at(store.locate("d").index()).flags == 0);
  const Map none = ask({kNearZero, protocol::ResumeFrom{7, next.number}});
  CHECK(none.kind == MapKind::Changed);
  CHECK(none.clients.empty());
  CHECK(none.number == next.number);
}

TEST_CASE_METHOD(World, "a place of another feed, of an earlier run or of the future gives the whole map") {
  put("a", "+1+2");
  for (const protocol::ResumeFrom since : {protocol::ResumeFrom{8, 101}, protocol::ResumeFrom{7, 99},
                                           protocol::ResumeFrom{7, 102}, protocol::ResumeFrom{7, 0}}) {
    CHECK(ask({kNearZero, since}).kind == MapKind::All);
  }
  CHECK(ask({kNearZero, protocol::ResumeFrom{7, 100}}).kind == MapKind::Changed);
}

TEST_CASE_METHOD(World, "clients that a token hides are in no map") {
  put("a", "+1+2");
  put("hidden", "+1+2");
  visible = [](std::string_view client) { return client != "hidden"; };
  CHECK(ask({kNearZero, std::nullopt}).clients.size() == 1);
  CHECK(ask({kNearZero, protocol::ResumeFrom{7, 100}}).clients.size() == 1);
}

TEST_CASE_METHOD(World, "a box with too many clients gives counts of cells, and so do too many changes") {
  for (std::size_t i = 0; i < kMaxMapClients; ++i) {
    put("client-" + std::to_string(i), i % 4 == 0 ? "-1-1" : "+" + std::to_string(1 + i % 7) + ".5+2");
  }
  area::Unlimited endless;
  CHECK(read(bytes({kWorldBox, std::nullopt}, endless)).clients.size() == kMaxMapClients);
  CHECK(read(bytes({kWorldBox, protocol::ResumeFrom{7, 100}}, endless)).kind == MapKind::Changed);
  put("one-more", "+1+2");
  const Map map = ask({kWorldBox, protocol::ResumeFrom{7, 100}});
  CHECK(map.kind == MapKind::Cells);
  CHECK(map.number == store.feed().tail());
  CHECK(map.cells.size() <= kMaxMapCells);
  std::uint64_t clients = 0;
  for (const area::CellCount& cell : map.cells) clients += cell.clients;
  CHECK(clients == kMaxMapClients + 1);
  CHECK(ask({kNearZero, std::nullopt}).kind == MapKind::All);
}

TEST_CASE("ages are whole seconds up to 18 hours, and a report of the future has the age 0") {
  MapBytes bytes(3);
  for (const protocol::Nanoseconds age :
       {protocol::Nanoseconds(-5s), protocol::Nanoseconds(65'534'999ms), protocol::Nanoseconds(1'000'000s)}) {
    bytes.add({.record = static_cast<std::uint32_t>(age.count() / 1'000'000'000), .point = {}, .age = age, .node = {}});
  }
  const Map map = read(bytes.take({1, 2, MapKind::All}));
  std::vector<unsigned> ages;
  for (const auto& [record, client] : map.clients) ages.push_back(client.age);
  CHECK(ages == std::vector<unsigned>{65'534, 65'535, 0});
}

}  // namespace
}  // namespace herd::node::api
