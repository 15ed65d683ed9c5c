#include "node/area/within_search.hpp"

#include <set>

#include "tests/catch.hpp"
#include "tests/node/area/clients.hpp"

using namespace herd;
using namespace herd::node::area;
using herd::protocol::Box;
using herd::protocol::kMaxLatitude;
using herd::protocol::kMaxLongitude;
using herd::protocol::Point;

namespace {

using Records = std::vector<bus::RecordIndex>;

struct Answer {
  Records records;
  bool has_more = false;
  std::optional<WithinPlace> last;
};

Answer ask(const AreaTree& tree, const Box& box, std::size_t max, const std::optional<WithinPlace>& after,
           const Accepts& accepts, Slice& slice) {
  WithinSearch search(tree, box, max, after, accepts);
  while (!search.run(slice)) {
  }
  return {search.take(), search.has_more(), search.last_place()};
}

Answer ask(const AreaTree& tree, const Box& box, std::size_t max, const std::optional<WithinPlace>& after = {},
           const Accepts& accepts = {}) {
  Unlimited slice;
  return ask(tree, box, max, after, accepts, slice);
}

auto order_of(const Clients& clients, bus::RecordIndex record) {
  return std::tuple(curve_key(clients.points.at(record)), clients.id(record));
}

Records all_in(const Clients& clients, const Box& box) {
  Records records;
  for (const auto& [record, point] : clients.points) {
    if (is_in_box(box, point)) records.push_back(record);
  }
  std::sort(records.begin(), records.end(),
            [&](bus::RecordIndex a, bus::RecordIndex b) { return order_of(clients, a) < order_of(clients, b); });
  return records;
}

Records first(const Records& all, std::size_t max) {
  return {all.begin(), all.begin() + static_cast<std::ptrdiff_t>(std::min(max, all.size()))};
}

// Clients at these points, and which of them are in the box.
Records members(const std::vector<Point>& points, const Box& box) {
  Clients clients(points.size());
  for (bus::RecordIndex record = 0; record < points.size(); ++record) clients.put(record, points[record]);
  Records records = ask(clients.tree, box, 1000).records;
  std::sort(records.begin(), records.end());
  return records;
}

}  // namespace

TEST_CASE("answers about boxes are equal to those of a comparison with all clients") {
  for (const std::size_t count : {1U, 40U, 700U}) {
    Clients clients(count);
    Scene scene(count);
    for (bus::RecordIndex record = 0; record < count; ++record) clients.put(record, scene.point());
    for (int i = 0; i < 7000; ++i) {
      clients.put(static_cast<bus::RecordIndex>(scene.below(count)), scene.point());
      const Box box = scene.box();
      const Records all = all_in(clients, box);
      const std::size_t max = scene.below(4) == 0 ? 1000 : scene.below(25);
      const Answer answer = ask(clients.tree, box, max);
      CAPTURE(i, count, box.south_west.latitude, box.south_west.longitude, box.north_east.latitude,
              box.north_east.longitude);
      REQUIRE(answer.records == first(all, max));
      REQUIRE(answer.has_more == (all.size() > max));
    }
  }
}

TEST_CASE("the edges of a box belong to it") {
  const Box box{{-10, 20}, {30, 40}};
  CHECK(members({{-10, 20}, {30, 40}, {-10, 40}, {30, 20}, {-11, 20}, {31, 40}, {0, 19}, {0, 41}}, box) ==
        Records{0, 1, 2, 3});
}

TEST_CASE("a box from west to a lower east crosses the antimeridian, and equal ones are a line") {
  const std::vector<Point> points = {
      {0, kMaxLongitude}, {0, -kMaxLongitude}, {0, kMaxLongitude - 5}, {0, 5 - kMaxLongitude}, {0, 0}, {0, 7}};
  CHECK(members(points, {{0, kMaxLongitude - 5}, {0, 5 - kMaxLongitude}}) == Records{0, 1, 2, 3});
  CHECK(members(points, {{0, kMaxLongitude - 4}, {0, 4 - kMaxLongitude}}) == Records{0, 1});
  CHECK(members(points, {{0, 7}, {0, 7}}) == Records{5});
  CHECK(members(points, {{0, kMaxLongitude}, {0, kMaxLongitude}}) == Records{0, 1});
  CHECK(members(points, {{0, -kMaxLongitude}, {0, -kMaxLongitude}}) == Records{0, 1});
  CHECK(members(points, {{0, kMaxLongitude}, {0, -kMaxLongitude}}) == Records{0, 1});
  CHECK(members(points, {{0, -kMaxLongitude}, {0, kMaxLongitude}}) == Records{0, 1, 2, 3, 4, 5});
  CHECK(members(points, {{0, kMaxLongitude}, {0, 0}}) == Records{0, 1, 3, 4});
  CHECK(members(points, {{0, 1}, {0, kMaxLongitude}}) == Records{0, 1, 2, 5});
  CHECK(members(points, {{0, 1}, {0, -kMaxLongitude}}) == Records{0, 1, 2, 5});
}

TEST_CASE("a client at a pole is inside every box that reaches the pole") {
  const std::vector<Point> points = {{kMaxLatitude, 100}, {-kMaxLatitude, 100}, {kMaxLatitude - 1, 100}};
  CHECK(members(points, {{0, -7}, {kMaxLatitude, -5}}) == Records{0});
  CHECK(members(points, {{0, -7}, {kMaxLatitude - 1, -5}}).empty());
  CHECK(members(points, {{-kMaxLatitude, -7}, {0, -5}}) == Records{1});
  CHECK(members(points, {{kMaxLatitude, -7}, {kMaxLatitude, -5}}) == Records{0});
}

TEST_CASE("pages of a box follow each other without repeats and holes") {
  Clients clients(1500);
  Scene scene(2);
  for (bus::RecordIndex record = 0; record < 1500; ++record) clients.put(record, scene.point());
  for (int i = 0; i < 300; ++i) {
    const Box box = scene.box();
    Records pages;
    std::optional<WithinPlace> after;
    for (bool has_more = true; has_more;) {
      const Answer page = ask(clients.tree, box, scene.below(200), after);
      pages.insert(pages.end(), page.records.begin(), page.records.end());
      if (page.last) {
        after = page.last;
        REQUIRE(std::tuple(after->key, after->client) == order_of(clients, pages.back()));
      }
      has_more = page.has_more;
    }
    REQUIRE(pages == all_in(clients, box));
  }
}

TEST_CASE("a page of a box continues after any place, also one that no client has") {
  Clients clients(700);
  Scene scene(3);
  for (bus::RecordIndex record = 0; record < 700; ++record) clients.put(record, scene.point());
  const Box box{{-kMaxLatitude, -kMaxLongitude}, {kMaxLatitude, kMaxLongitude}};
  const Records all = all_in(clients, box);
  for (int i = 0; i < 3000; ++i) {
    WithinPlace after{curve_key(scene.point()), clients.id(static_cast<bus::RecordIndex>(scene.below(700)))};
    if (scene.below(4) == 0) after.client = "";
    if (scene.below(4) == 0) after.key.interleaved = scene.below(UINT64_MAX);
    if (scene.below(16) == 0) after.key = {static_cast<Chart>(scene.below(256)), UINT64_MAX};
    Records rest = all;
    std::erase_if(rest, [&](bus::RecordIndex record) {
      return order_of(clients, record) <= std::tuple(after.key, after.client);
    });
    REQUIRE(ask(clients.tree, box, 50, after).records == first(rest, 50));
  }
}

TEST_CASE("a box with a filter, in many slices, gives the same answer") {
  Clients clients(4000);
  Scene scene(4);
  for (bus::RecordIndex record = 0; record < 4000; ++record) clients.put(record, scene.point());
  Shortest slice;
  for (int i = 0; i < 300; ++i) {
    const Box box = scene.box();
    const std::size_t max = scene.below(4) == 0 ? SIZE_MAX : scene.below(100);
    Records all = all_in(clients, box);
    CHECK(ask(clients.tree, box, max, {}, {}, slice).records == first(all, max));
    bool only_inside = true;
    const Accepts odd = [&](bus::RecordIndex record) {
      only_inside = only_inside && is_in_box(box, clients.points.at(record));
      return record % 7 == 1;
    };
    std::erase_if(all, [](bus::RecordIndex record) { return record % 7 != 1; });
    const Answer answer = ask(clients.tree, box, max, {}, odd, slice);
    CHECK(answer.records == first(all, max));
    CHECK(answer.has_more == (all.size() > max));
    REQUIRE(only_inside);
  }
}

TEST_CASE("while clients move between slices, those that rest are in the box's answer, and no client twice") {
  Clients clients(4000);
  Scene scene(5);
  for (bus::RecordIndex record = 0; record < 4000; ++record) clients.put(record, scene.point());
  for (int i = 0; i < 60; ++i) {
    const Box box = i % 3 == 0 ? Box{{-kMaxLatitude, -kMaxLongitude}, {kMaxLatitude, kMaxLongitude}} : scene.box();
    WithinSearch search(clients.tree, box, SIZE_MAX, std::nullopt, {});
    Shortest slice;
    while (!search.run(slice)) {
      for (int moves = 0; moves < 50; ++moves) {
        clients.put(static_cast<bus::RecordIndex>(scene.below(2000)), scene.point());  // the others rest
      }
    }
    const Records found = search.take();
    const std::set<bus::RecordIndex> records(found.begin(), found.end());
    REQUIRE(records.size() == found.size());
    for (bus::RecordIndex record = 2000; record < 4000; ++record) {
      REQUIRE(records.count(record) == (is_in_box(box, clients.points.at(record)) ? 1U : 0U));
    }
  }
}
