#include "node/area/near_search.hpp"

#include <set>

#include "tests/catch.hpp"
#include "tests/node/area/clients.hpp"

using namespace herd;
using namespace herd::node::area;
using herd::protocol::kMaxLatitude;
using herd::protocol::kMaxLongitude;
using herd::protocol::Millimetres;
using herd::protocol::Point;

namespace {

constexpr Millimetres kEverything = Millimetres{protocol::kMaxQueryKm} * protocol::kMillimetresPerKm;

struct Answer {
  std::vector<Found> found;
  bool has_more = false;
  bool operator==(const Answer&) const = default;
};

Answer ask(const AreaTree& tree, const Disc& disc, std::size_t max, const std::optional<NearPlace>& after = {},
           const Accepts& accepts = {}) {
  NearSearch search(tree, disc.centre, disc.radius, max, after, accepts);
  Unlimited slice;
  REQUIRE(search.run(slice));
  return {search.take(), search.has_more()};
}

Answer ask_sliced(const AreaTree& tree, const Disc& disc, std::size_t max, const std::optional<NearPlace>& after = {},
                  const Accepts& accepts = {}) {
  NearSearch search(tree, disc.centre, disc.radius, max, after, accepts);
  Shortest slice;
  while (!search.run(slice)) {
  }
  return {search.take(), search.has_more()};
}

// The first `max` of all.
Answer first(const std::vector<Found>& all, std::size_t max) {
  const std::size_t count = std::min(max, all.size());
  return {{all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count)}, count < all.size()};
}

std::optional<NearPlace> place_of(const Clients& clients, const Found& found) {
  return NearPlace{found.distance, clients.id(found.record)};
}

}  // namespace

TEST_CASE("answers about clients near a point are equal to those of a comparison with all clients") {
  std::size_t questions = 0;
  std::size_t lines = 0;
  for (const std::size_t count : {1U, 40U, 700U}) {
    Clients clients(count);
    Scene scene(count);
    for (bus::RecordIndex record = 0; record < count; ++record) clients.put(record, scene.point());
    for (int i = 0; i < 8000; ++i, ++questions) {
      clients.put(static_cast<bus::RecordIndex>(scene.below(count)), scene.point());
      Disc disc{scene.point(), scene.radius()};
      const Point other = clients.points.at(static_cast<bus::RecordIndex>(scene.below(count)));
      if (scene.below(4) == 0) disc.centre = other;
      if (scene.below(8) == 0) disc.centre = scene.antipode(other);
      if (scene.below(4) == 0) disc.radius = distance(disc.centre, other);  // a client is exactly on the edge
      if (scene.below(8) == 0) disc.radius = std::max<Millimetres>(0, distance(disc.centre, other) - 1);
      const std::vector<Found> all = clients.near(disc);
      const std::size_t max = scene.below(4) == 0 ? 1000 : scene.below(25);
      const Answer answer = ask(clients.tree, disc, max);
      lines += answer.found.size();
      CAPTURE(i, count, disc.centre.latitude, disc.centre.longitude, disc.radius, max);
      REQUIRE(answer == first(all, max));
    }
  }
  CHECK(questions >= 24'000);
  CHECK(lines >= 100'000);
}

TEST_CASE("pages follow each other without repeats and holes, whatever their size") {
  Clients clients(700);
  Scene scene(2);
  for (bus::RecordIndex record = 0; record < 700; ++record) clients.put(record, scene.point());
  for (int i = 0; i < 200; ++i) {
    const Disc disc{scene.point(), scene.radius()};
    const std::vector<Found> all = clients.near(disc);
    std::vector<Found> pages;
    std::optional<NearPlace> after;
    for (bool has_more = true; has_more;) {
      const Answer page = ask(clients.tree, disc, scene.below(200), after);
      pages.insert(pages.end(), page.found.begin(), page.found.end());
      if (!page.found.empty()) after = place_of(clients, page.found.back());
      has_more = page.has_more;
    }
    REQUIRE(pages == all);
  }
}

TEST_CASE("a page continues after any place, also one that no client has") {
  Clients clients(700);
  Scene scene(3);
  for (bus::RecordIndex record = 0; record < 700; ++record) clients.put(record, scene.point());
  for (int i = 0; i < 2000; ++i) {
    const Disc disc{scene.point(), scene.radius()};
    const std::vector<Found> all = clients.near(disc);
    NearPlace after{scene.below(2) == 0 || all.empty() ? scene.radius() : all[scene.below(all.size())].distance,
                    scene.below(2) == 0 ? "" : clients.id(static_cast<bus::RecordIndex>(scene.below(700)))};
    if (scene.below(8) == 0) after.distance = -5;
    std::vector<Found> rest;
    for (const Found& found : all) {
      if (std::tuple(found.distance, clients.id(found.record)) > std::tuple(after.distance, after.client)) {
        rest.push_back(found);
      }
    }
    const std::size_t max = scene.below(50);
    REQUIRE(ask(clients.tree, disc, max, after) == first(rest, max));
  }
}

TEST_CASE("a filter is asked only about clients inside") {
  Clients clients(700);
  Scene scene(4);
  for (bus::RecordIndex record = 0; record < 700; ++record) clients.put(record, scene.point());
  for (int i = 0; i < 1000; ++i) {
    const Disc disc{scene.point(), scene.radius()};
    const unsigned modulus = 1 + static_cast<unsigned>(scene.below(9));
    bool only_inside = true;
    const Accepts accepts = [&](bus::RecordIndex record) {
      only_inside = only_inside && distance(disc.centre, clients.points.at(record)) <= disc.radius;
      return record % modulus == 0;
    };
    std::vector<Found> expected = clients.near(disc);
    std::erase_if(expected, [&](const Found& found) { return found.record % modulus != 0; });
    const std::size_t max = scene.below(30);
    REQUIRE(ask(clients.tree, disc, max, {}, accepts) == first(expected, max));
    REQUIRE(only_inside);
  }
}

TEST_CASE("a search in many slices gives the same answer") {
  Clients clients(3000);
  Scene scene(5);
  for (bus::RecordIndex record = 0; record < 3000; ++record) clients.put(record, scene.point());
  for (int i = 0; i < 300; ++i) {
    const Disc disc{scene.point(), scene.radius()};
    const std::size_t max = scene.below(4) == 0 ? SIZE_MAX : scene.below(30);
    const Accepts odd = [](bus::RecordIndex record) { return record % 7 == 1; };
    std::vector<Found> all = clients.near(disc);
    REQUIRE(ask_sliced(clients.tree, disc, max) == first(all, max));
    std::erase_if(all, [](const Found& found) { return found.record % 7 != 1; });
    REQUIRE(ask_sliced(clients.tree, disc, max, {}, odd) == first(all, max));
  }
}

TEST_CASE("all members are found in their order, in pages of the search's own") {
  Clients clients(5000);
  Scene scene(6);
  for (bus::RecordIndex record = 0; record < 5000; ++record) clients.put(record, scene.point());
  const Disc disc{{340'689'300, -1'184'451'270}, kEverything};
  CHECK(ask(clients.tree, disc, SIZE_MAX) == Answer{clients.near(disc), false});
  CHECK(ask(clients.tree, disc, 2500) == first(clients.near(disc), 2500));
  CHECK(ask(clients.tree, disc, 5000) == Answer{clients.near(disc), false});
}

TEST_CASE("a crowd answers by the bytes of the ids, and continues in its middle") {
  Clients clients(5000);
  for (bus::RecordIndex record = 0; record < 5000; ++record) clients.put(record, {10, kMaxLongitude});
  const Disc disc{{10, -kMaxLongitude}, 0};
  const std::vector<Found> all = clients.near(disc);
  REQUIRE(all.size() == 5000);
  CHECK(ask(clients.tree, disc, 20) == first(all, 20));
  const std::vector<Found> rest(all.begin() + 3000, all.end());
  CHECK(ask(clients.tree, disc, 100, place_of(clients, all[2999])) == first(rest, 100));
  CHECK(ask_sliced(clients.tree, disc, 100, place_of(clients, all[2999])) == first(rest, 100));
  const Accepts last = [&](bus::RecordIndex record) { return record == all.back().record; };
  CHECK(ask(clients.tree, disc, 5, {}, last) == Answer{{all.back()}, false});
  CHECK(ask_sliced(clients.tree, disc, 5, {}, last) == Answer{{all.back()}, false});
}

TEST_CASE("clients round a pole are ranked right, whatever their longitudes") {
  Clients clients(3000);
  Scene scene(7);
  for (bus::RecordIndex record = 0; record < 3000; ++record) {
    const auto distance = static_cast<std::int32_t>(scene.below(3));
    clients.put(record, {kMaxLatitude - distance, scene.anywhere().longitude});
  }
  for (const Point centre : {Point{kMaxLatitude, 5}, Point{kMaxLatitude - 1, 7}, Point{-kMaxLatitude, 0}}) {
    for (const Millimetres radius : {Millimetres{0}, Millimetres{11}, Millimetres{12}, kEverything}) {
      const std::vector<Found> all = clients.near({centre, radius});
      CHECK(ask(clients.tree, {centre, radius}, 30) == first(all, 30));
      CHECK(ask_sliced(clients.tree, {centre, radius}, 30) == first(all, 30));
    }
  }
}

TEST_CASE("while clients move between slices, those that rest are found, and no client twice") {
  Clients clients(4000);
  Scene scene(8);
  for (bus::RecordIndex record = 0; record < 4000; ++record) clients.put(record, scene.point());
  for (int i = 0; i < 60; ++i) {
    const Disc disc{scene.point(), std::max(scene.radius(), scene.radius())};
    const std::size_t max = i % 3 == 0 ? SIZE_MAX : scene.below(50);
    NearSearch search(clients.tree, disc.centre, disc.radius, max, std::nullopt, {});
    Shortest slice;
    while (!search.run(slice)) {
      for (int moves = 0; moves < 50; ++moves) {
        const auto record = static_cast<bus::RecordIndex>(scene.below(2000));  // the others rest
        if (scene.below(10) == 0) {
          clients.remove(record);
        } else {
          clients.put(record, scene.point());
        }
      }
    }
    const std::vector<Found> found = search.take();
    std::set<bus::RecordIndex> records;
    for (const Found& one : found) REQUIRE(records.insert(one.record).second);
    REQUIRE(std::is_sorted(found.begin(), found.end(), [&](const Found& a, const Found& b) {
      return std::tuple(a.distance, clients.id(a.record)) < std::tuple(b.distance, clients.id(b.record));
    }));
    for (const Found& resting : clients.near(disc)) {
      if (resting.record < 2000 || records.count(resting.record) > 0) continue;
      REQUIRE(search.has_more());  // only clients after the last one may be missing
      REQUIRE((found.empty() || std::tuple(resting.distance, clients.id(resting.record)) >
                                    std::tuple(found.back().distance, clients.id(found.back().record))));
    }
  }
}
