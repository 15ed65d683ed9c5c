#include "node/area/count_search.hpp"

#include "tests/catch.hpp"
#include "tests/node/area/clients.hpp"

using namespace herd;
using namespace herd::node::area;

namespace {

using Area = std::variant<Disc, protocol::Box>;

std::uint64_t ask(const AreaTree& tree, const Area& area, std::optional<bus::RecordIndex> except,
                  const Accepts& accepts, Slice& slice) {
  CountSearch search(tree, area, except, accepts);
  while (!search.run(slice)) {
  }
  return search.count();
}

bool is_inside(const Area& area, protocol::Point point) {
  if (const auto* box = std::get_if<protocol::Box>(&area)) return is_in_box(*box, point);
  const Disc& disc = std::get<Disc>(area);
  return distance(disc.centre, point) <= disc.radius;
}

Area any_area(Scene& scene, const Clients& clients) {
  if (scene.below(2) == 0) return scene.box();
  Disc disc{scene.point(), scene.radius()};
  const auto other = static_cast<bus::RecordIndex>(scene.below(clients.points.size()));
  if (scene.below(4) == 0) disc.radius = distance(disc.centre, clients.points.at(other));
  return disc;
}

}  // namespace

TEST_CASE("counts are equal to those of a comparison with all clients") {
  Unlimited whole;
  Shortest shortest;
  for (const std::size_t count : {1U, 40U, 1000U}) {
    Clients clients(count);
    Scene scene(count);
    for (bus::RecordIndex record = 0; record < count; ++record) clients.put(record, scene.point());
    for (int i = 0; i < 6000; ++i) {
      clients.put(static_cast<bus::RecordIndex>(scene.below(count)), scene.point());
      const Area area = any_area(scene, clients);
      std::optional<bus::RecordIndex> except;
      if (scene.below(2) == 0) except = static_cast<bus::RecordIndex>(scene.below(count));
      const bool filtered = scene.below(3) == 0;
      const Accepts accepts = [](bus::RecordIndex record) { return record % 3 != 1; };
      std::uint64_t expected = 0;
      for (const auto& [record, point] : clients.points) {
        if (record == except || (filtered && !accepts(record))) continue;
        expected += is_inside(area, point) ? 1U : 0U;
      }
      CAPTURE(i, count, area.index(), filtered);
      Slice& slice = scene.below(2) == 0 ? static_cast<Slice&>(whole) : shortest;
      REQUIRE(ask(clients.tree, area, except, filtered ? accepts : Accepts(), slice) == expected);
    }
  }
}

TEST_CASE("a crowd is counted by its size, and in many slices with a filter") {
  Clients clients(5000);
  for (bus::RecordIndex record = 0; record < 5000; ++record) clients.put(record, {5, 5});
  Shortest slice;
  const Disc disc{{5, 5}, 0};
  CHECK(ask(clients.tree, disc, std::nullopt, {}, slice) == 5000);
  CHECK(ask(clients.tree, disc, 17, {}, slice) == 4999);
  CHECK(ask(
            clients.tree, disc, 17, [](bus::RecordIndex record) { return record < 100; }, slice) == 99);
  CHECK(ask(clients.tree, Disc{{5, 6}, 0}, std::nullopt, {}, slice) == 0);
  CHECK(ask(clients.tree, Disc{{5, 6}, 11}, std::nullopt, {}, slice) == 5000);
}

TEST_CASE("while clients move between slices, those that rest are counted once") {
  Clients clients(20'000);
  Scene scene(5);
  for (bus::RecordIndex record = 0; record < 20'000; ++record) clients.put(record, scene.point());
  for (int i = 0; i < 100; ++i) {
    const Area area = any_area(scene, clients);
    CountSearch search(clients.tree, area, std::nullopt, {});
    Shortest slice;
    while (!search.run(slice)) {
      for (int moves = 0; moves < 50; ++moves) {
        clients.put(static_cast<bus::RecordIndex>(scene.below(1000)), scene.point());  // the others rest
      }
    }
    std::uint64_t resting = 0;
    for (const auto& [record, point] : clients.points) {
      resting += record >= 1000 && is_inside(area, point) ? 1U : 0U;
    }
    // A client that moves between slices may be counted at several of its points.
    REQUIRE(search.count() >= resting);
  }
}
