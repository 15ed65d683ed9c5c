#include "node/area/area_tree.hpp"

#include <functional>
#include <map>

#include "tests/catch.hpp"
#include "tests/node/area/clients.hpp"

using namespace herd;
using namespace herd::node::area;
using herd::protocol::kMaxLatitude;
using herd::protocol::Point;

namespace {

void check_equal(const Clients& clients) {
  clients.tree.check_invariants();
  REQUIRE(clients.tree.size() == clients.points.size());
  for (const auto& [record, point] : clients.points) {
    REQUIRE(clients.tree.point_of(record) == point_of(spot_of(point)));
  }
}

// Puts, moves and removes clients at the points of `make`, and compares with the map.
void churn(std::size_t count, int steps, std::uint64_t seed, const std::function<Point(Scene&)>& make) {
  Clients clients(count);
  Scene scene(seed);
  for (int phase = 0; phase < 3; ++phase) {  // it grows, stays, and shrinks
    const std::uint64_t removals = phase == 2 ? 90 : phase == 1 ? 30 : 5;
    for (int i = 0; i < steps; ++i) {
      const auto record = static_cast<bus::RecordIndex>(scene.below(count));
      if (scene.below(100) < removals) {
        clients.remove(record);
      } else {
        clients.put(record, make(scene));
      }
      if (i % 1000 == 0) clients.tree.check_invariants();
    }
    check_equal(clients);
  }
  while (!clients.points.empty()) clients.remove(clients.points.begin()->first);
  check_equal(clients);
}

}  // namespace

TEST_CASE("a tree without clients has no points") {
  Clients clients(3);
  CHECK(clients.tree.size() == 0);
  CHECK_FALSE(clients.tree.point_of(0));
  CHECK_FALSE(clients.tree.point_of(1'000'000));
  clients.tree.remove(2);
  clients.tree.remove(1'000'000);
  check_equal(clients);
}

TEST_CASE("a tree of mixed points is equal to a map") {
  churn(3000, 20'000, 1, [](Scene& scene) { return scene.point(); });
}

TEST_CASE("a tree of even points is equal to a map") {
  churn(3000, 20'000, 2, [](Scene& scene) { return scene.anywhere(); });
}

TEST_CASE("a tree of a few crowds is equal to a map") {
  churn(2000, 20'000, 3, [](Scene& scene) { return Point{0, static_cast<std::int32_t>(scene.below(8)) * 10}; });
}

TEST_CASE("a tree of crowds that form and end is equal to a map") {
  churn(600, 20'000, 4, [](Scene& scene) { return Point{0, static_cast<std::int32_t>(scene.below(8)) * 10}; });
}

TEST_CASE("a tree of points within a millimetre is equal to a map") {
  churn(2000, 20'000, 5, [](Scene& scene) { return scene.near({0, 0}, 20); });
}

TEST_CASE("a tree of points near the poles is equal to a map") {
  churn(2000, 20'000, 6, [](Scene& scene) { return scene.near_pole(); });
}

TEST_CASE("a tree at a pole and one unit from it is equal to a map") {
  churn(2000, 20'000, 7, [](Scene& scene) {
    const Point point = scene.anywhere();
    return Point{static_cast<std::int32_t>(kMaxLatitude - scene.below(2)), point.longitude};
  });
}

TEST_CASE("a crowd of one less than the limit is a leaf, and one more is a crowd") {
  Clients clients(70);
  for (bus::RecordIndex record = 0; record < AreaNodes::kMaxEntries; ++record) clients.put(record, {5, 5});
  const auto leaf = [&] { return clients.tree.nodes().leaf(clients.tree.nodes().root(0)); };
  CHECK_FALSE(leaf().is_crowd());
  clients.put(AreaNodes::kMaxEntries, {5, 5});
  CHECK(leaf().is_crowd());
  check_equal(clients);
  for (bus::RecordIndex record = 0; record < AreaNodes::kMergedEntries; ++record) clients.remove(record);
  CHECK(leaf().is_crowd());
  clients.remove(AreaNodes::kMergedEntries);
  CHECK_FALSE(leaf().is_crowd());
  check_equal(clients);
}

TEST_CASE("a client moves out of a crowd and back") {
  Clients clients(100);
  for (bus::RecordIndex record = 0; record < 100; ++record) clients.put(record, {5, 5});
  for (const Point away : {Point{5, 6}, Point{-5, -5}, Point{kMaxLatitude, 0}, Point{899'999'999, 7}}) {
    clients.put(50, away);
    check_equal(clients);
    clients.put(50, {5, 5});
    check_equal(clients);
  }
}

TEST_CASE("a prefetch changes nothing, for clients that are in the tree and others") {
  Clients clients(200);
  for (bus::RecordIndex record = 0; record < 100; ++record) clients.put(record, {5, 5});
  for (bus::RecordIndex record = 100; record < 150; ++record) clients.put(record, {5, static_cast<int>(record)});
  const std::vector<bus::RecordIndex> records = {0, 120, 199, 198, 197, 196, 1'000'000};
  const std::vector<std::optional<Point>> points = {
      Point{5, 6}, std::nullopt, Point{5, 5}, Point{5, 130}, Point{kMaxLatitude, 0}, std::nullopt, Point{-5, -5}};
  clients.tree.prefetch(records, points);
  check_equal(clients);
}

TEST_CASE("a client is below the nodes that contain it and no others") {
  Clients clients(1000);
  Scene scene(8);
  for (bus::RecordIndex record = 0; record < 999; ++record) clients.put(record, scene.near({0, 0}, 1'000'000));
  const AreaNodes& nodes = clients.tree.nodes();
  const NodeId root = nodes.root(0);
  for (bus::RecordIndex record = 0; record < 999; ++record) {
    CHECK(clients.tree.is_below(record, root));
    int children = 0;
    for (const NodeId child : nodes.inner(root).children) {
      if (child != kNoNode && clients.tree.is_below(record, child)) ++children;
    }
    CHECK(children == 1);
  }
  CHECK_FALSE(clients.tree.is_below(999, root));
}

TEST_CASE("many clients use little memory, wherever they are") {
  constexpr std::size_t kCount = 100'000;
  Clients clients(kCount);
  Scene scene(9);
  const auto bytes = [&](const std::function<Point(std::size_t)>& make) {
    AreaTree tree(clients.store);
    for (std::size_t i = 0; i < kCount; ++i) tree.put(static_cast<bus::RecordIndex>(i), make(i));
    tree.check_invariants();
    return tree.memory() / kCount;
  };
  // The last chunk of each pool is in use only in part.
  CHECK(bytes([&](std::size_t) { return scene.anywhere(); }) <= 20);
  CHECK(bytes([&](std::size_t) { return scene.point(); }) <= 20);
  CHECK(bytes([&](std::size_t) { return Point{1, 1}; }) <= 24);
  // Crowds of one client more than a leaf has, each at a point far from the others.
  Point at;
  CHECK(bytes([&](std::size_t i) {
          if (i % (AreaNodes::kMaxEntries + 1) == 0) at = scene.anywhere();
          return at;
        }) <= 24);
}
