#include "node/area/area_index.hpp"

#include <map>
#include <span>

#include "node/area/near_search.hpp"
#include "tests/catch.hpp"
#include "tests/node/area/clients.hpp"

using namespace herd;
using namespace herd::node::area;
using herd::protocol::Point;

namespace {

// A report of a client with a time of its own; the coordinates may be empty, for a reset.
void report(bus::Store& store, const std::string& client, std::int64_t seconds, const std::string& coordinates) {
  protocol::Update update;
  update.id = {"Hill", 7, store.feed().tail() + 1};
  update.client = client;
  update.coordinates = coordinates;
  const std::string time_text = coordinates.empty() ? std::string(bus::kResetTime) : std::to_string(seconds);
  update.time_text = time_text;
  update.epoch = coordinates.empty() ? 1 : 0;
  update.time = coordinates.empty() ? protocol::Nanoseconds{} : std::chrono::seconds(seconds);
  REQUIRE(store.merge(update, bus::kFromClient) == bus::Store::Merged::Changed);
}

std::string coordinates_of(Point point) {
  char text[64];
  std::snprintf(text, sizeof text, "%c%02d.%07d%c%03d.%07d", point.latitude < 0 ? '-' : '+',
                std::abs(point.latitude) / 10'000'000, std::abs(point.latitude) % 10'000'000,
                point.longitude < 0 ? '-' : '+', std::abs(point.longitude) / 10'000'000,
                std::abs(point.longitude) % 10'000'000);
  return text;
}

struct Moves {
  std::vector<Moved> all;
  AreaIndex::OnMoved note = [this](std::span<const Moved> moved) { all.insert(all.end(), moved.begin(), moved.end()); };
};

}  // namespace

TEST_CASE("an index that is not active has no memory") {
  bus::Store store(1);
  report(store, "a", 5, "+1-2");
  AreaIndex index(store);
  CHECK_FALSE(index.is_active());
  CHECK(index.memory() == 0);
  index.drop();
  index.start();
  CHECK(index.is_active());
  CHECK_FALSE(index.is_current());
  Unlimited slice;
  index.follow(slice, {});
  CHECK(index.is_current());
  CHECK(index.tree().size() == 1);
  CHECK(index.memory() > 0);
  index.drop();
  CHECK_FALSE(index.is_active());
  CHECK(index.memory() == 0);
  index.start();
  index.follow(slice, {});
  CHECK(index.tree().size() == 1);
}

TEST_CASE("an index of an empty store is current, also if the feed begins above 0") {
  bus::Store store(1, 1000);
  AreaIndex index(store);
  index.start();
  Unlimited slice;
  index.follow(slice, {});
  CHECK(index.is_current());
  CHECK(index.cursor() == 1000);
  store.skip_to(2000);
  CHECK_FALSE(index.is_current());
  index.follow(slice, {});
  CHECK(index.is_current());
  report(store, "a", 5, "+1-2");
  CHECK_FALSE(index.is_current());
  index.follow(slice, {});
  CHECK(index.cursor() == 2001);
}

TEST_CASE("each change is reported with the point before and after") {
  bus::Store store(1);
  AreaIndex index(store);
  index.start();
  Unlimited slice;
  Moves moves;
  const auto follow = [&] {
    moves.all.clear();
    index.follow(slice, moves.note);
    REQUIRE(moves.all.size() == 1);
    return moves.all[0];
  };
  report(store, "a", 5, "+1-2");
  Moved moved = follow();
  CHECK(moved.record == store.locate("a").index());
  CHECK(moved.number == 1);
  CHECK_FALSE(moved.before);
  CHECK(moved.after == Point{10'000'000, -20'000'000});
  report(store, "a", 6, "+1-2");
  moved = follow();
  CHECK(moved.number == 2);
  CHECK(moved.before == moved.after);
  report(store, "a", 7, "+3+180");
  moved = follow();
  CHECK(moved.before == Point{10'000'000, -20'000'000});
  CHECK(moved.after == Point{30'000'000, -protocol::kMaxLongitude});
  report(store, "a", 8, "");
  moved = follow();
  CHECK(moved.before == Point{30'000'000, -protocol::kMaxLongitude});
  CHECK_FALSE(moved.after);
  CHECK(index.tree().size() == 0);
}

TEST_CASE("a superseded change is not reported, and a reset of an unknown client is") {
  bus::Store store(1);
  AreaIndex index(store);
  index.start();
  report(store, "a", 5, "+1-2");
  report(store, "b", 5, "+1-2");
  report(store, "a", 6, "+2-2");
  report(store, "c", 6, "");
  Unlimited slice;
  Moves moves;
  index.follow(slice, moves.note);
  REQUIRE(moves.all.size() == 3);
  CHECK(moves.all[0].number == 2);
  CHECK(moves.all[1].number == 3);
  CHECK_FALSE(moves.all[1].before);
  CHECK(moves.all[2].number == 4);
  CHECK_FALSE(moves.all[2].before);
  CHECK_FALSE(moves.all[2].after);
}

TEST_CASE("an index that follows in slices has the store's points") {
  bus::Store store(1);
  AreaIndex index(store);
  Scene scene(1);
  std::map<std::string, Point> points;
  index.start();
  Shortest slice;
  for (int i = 0; i < 20'000; ++i) {
    const std::string client = "client-" + std::to_string(scene.below(2000));
    const Point point = scene.point();
    report(store, client, 1000 + i, coordinates_of(point));
    points[client] = point;
    if (scene.below(100) == 0) index.follow(slice, {});
    if (scene.below(5000) == 0) {
      index.drop();
      index.start();
    }
  }
  int slices = 0;
  for (; !index.is_current(); ++slices) index.follow(slice, {});
  CHECK(slices >= 2);
  index.tree().check_invariants();
  CHECK(index.tree().size() == points.size());
  for (const auto& [client, point] : points) {
    REQUIRE(index.tree().point_of(store.locate(client).index()) == point_of(spot_of(point)));
  }
}
