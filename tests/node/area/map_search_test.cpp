#include "node/area/map_search.hpp"

#include <algorithm>
#include <set>

#include "tests/catch.hpp"
#include "tests/node/area/clients.hpp"

using namespace herd;
using namespace herd::node::area;

namespace {

MapSearch ask(const Clients& clients, const protocol::Box& box, const MapSearch::Limits& limits, Slice& slice,
              const Accepts& accepts = {}) {
  MapSearch search(clients.tree, box, limits, accepts);
  while (!search.run(slice)) {
  }
  return search;
}

std::uint64_t sum(const std::vector<CellCount>& cells) {
  std::uint64_t clients = 0;
  for (const CellCount& cell : cells) clients += cell.clients;
  return clients;
}

constexpr protocol::Box kWorld{{-protocol::kMaxLatitude, -protocol::kMaxLongitude},
                               {protocol::kMaxLatitude, protocol::kMaxLongitude}};

}  // namespace

TEST_CASE("few clients are found one by one, and many are counted in cells, as a comparison with all says") {
  Unlimited whole;
  Shortest shortest;
  for (const std::size_t count : {1U, 40U, 1000U}) {
    Clients clients(count);
    Scene scene(count);
    for (bus::RecordIndex record = 0; record < count; ++record) clients.put(record, scene.point());
    for (int i = 0; i < 1000; ++i) {
      clients.put(static_cast<bus::RecordIndex>(scene.below(count)), scene.point());
      const protocol::Box box = i == 0 ? kWorld : scene.box();
      const bool filtered = scene.below(3) == 0;
      const Accepts accepts = [](bus::RecordIndex record) { return record % 3 != 1; };
      std::set<bus::RecordIndex> expected;
      for (const auto& [record, point] : clients.points) {
        if ((!filtered || accepts(record)) && is_in_box(box, point)) expected.insert(record);
      }
      Slice& slice = scene.below(2) == 0 ? static_cast<Slice&>(whole) : shortest;
      const std::size_t most = scene.below(2 * expected.size() + 2);
      CAPTURE(i, count, most, expected.size(), filtered);
      const MapSearch search = ask(clients, box, {most, 1 + scene.below(100)}, slice, filtered ? accepts : Accepts());
      REQUIRE(search.are_few() == (expected.size() <= most));
      REQUIRE(sum(search.cells()) == expected.size());
      const auto& found = search.clients();
      if (search.are_few()) {
        REQUIRE(std::set<bus::RecordIndex>(found.begin(), found.end()) == expected);
        REQUIRE(found.size() == expected.size());
      } else {
        REQUIRE(found.empty());
      }
    }
  }
}

TEST_CASE("the cells of a box are about square, and each has the clients nearest to its centre") {
  Clients clients(200);
  const protocol::Box box{{0, 0}, {10'000'000, 40'000'000}};  // 4 columns and 1 row of one degree
  Unlimited slice;
  for (bus::RecordIndex record = 0; record < 200; ++record) {
    clients.put(record, {5'000'000, 5'000'000 + 10'000'000 * static_cast<std::int32_t>(record % 2 * 3)});
  }
  const auto cells = ask(clients, box, {10, 4}, slice).cells();
  REQUIRE(cells.size() == 2);
  CHECK(cells[0] == CellCount{{5'000'000, 5'000'000}, 100});
  CHECK(cells[1] == CellCount{{5'000'000, 35'000'000}, 100});
  CHECK(ask(clients, box, {10, 1}, slice).cells().size() == 1);
}

TEST_CASE("a box across the antimeridian has its cells in one row from west to east") {
  Clients clients(40);
  const protocol::Box box{{0, 1'790'000'000}, {10'000'000, -1'790'000'000}};  // 2 degrees wide
  Unlimited slice;
  for (bus::RecordIndex record = 0; record < 40; ++record) {
    clients.put(record, {5'000'000, record % 2 == 0 ? 1'795'000'000 : -1'795'000'000});
  }
  const auto cells = ask(clients, box, {10, 2}, slice).cells();
  REQUIRE(cells.size() == 2);
  CHECK(cells[0].clients == 20);
  CHECK(cells[0].centre.longitude == 1'795'000'000);
  CHECK(cells[1].centre.longitude == -1'795'000'000);
}

TEST_CASE("while clients move between slices, those that rest are found once") {
  Clients clients(5'000);
  Scene scene(5);
  for (bus::RecordIndex record = 0; record < 5'000; ++record) clients.put(record, scene.point());
  Shortest slice;
  MapSearch search(clients.tree, kWorld, {10'000, 64}, {});
  while (!search.run(slice)) {
    for (int i = 0; i < 20; ++i) clients.put(static_cast<bus::RecordIndex>(scene.below(1'000)), scene.point());
  }
  const std::set<bus::RecordIndex> found(search.clients().begin(), search.clients().end());
  CHECK(found.size() == search.clients().size());
  for (bus::RecordIndex record = 1'000; record < 5'000; ++record) REQUIRE(found.count(record) == 1);
}
