#include "node/observe/cell_subscriptions.hpp"

#include "node/observe/monitor_limits.hpp"
#include "tests/catch.hpp"

namespace herd::node {
namespace {

Geohash cell(const char* text) {
  return parse_geohash(text)->bits;
}

TEST_CASE("a topic of a cell ends with the node") {
  CHECK(cell_topic(cell("9q5ctr18"), "Hill") == "herd.cell.9q5ctr18.Hill");
}

TEST_CASE("a subscription covers the cells that begin with its prefix") {
  CellSubscriptions areas("Hill");
  CHECK(areas.add("herd.cell.9q5"));
  CHECK(areas.covers(cell("9q5ctr18")));
  CHECK(!areas.covers(cell("9q4ctr18")));
  CHECK(areas.add("herd.cell."));
  CHECK(areas.covers(cell("00000000")));
  areas.remove("herd.cell.");
  CHECK(!areas.covers(cell("00000000")));
  areas.remove("herd.cell.9q5");
  CHECK(areas.size() == 0);
}

TEST_CASE("a prefix may end in the node's name, and no other name") {
  CellSubscriptions areas("Hill");
  for (const auto* prefix :
       {"herd.cell.9q5ctr18", "herd.cell.9q5ctr18.", "herd.cell.9q5ctr18.Hi", "herd.cell.9q5ctr18.Hill"}) {
    CHECK(areas.add(prefix));
  }
  CHECK(areas.size() == 4);
  areas.remove("herd.cell.9q5ctr18.");
  CHECK(areas.size() == 3);
  CHECK(areas.covers(cell("9q5ctr18")));
  for (const auto* prefix : {"herd.cell.9q5ctr18.Smith", "herd.cell.9q5ctr18.Hills", "herd.cell.9q5ctr186"}) {
    CHECK(areas.add(prefix));
  }
  CHECK(areas.size() == 3);
}

TEST_CASE("a shorter prefix, or one that is no geohash, covers no cell and is not stored") {
  CellSubscriptions areas("Hill");
  for (const auto* prefix :
       {"", "herd.", "herd.cell", "herd.cells", "herd.cell.a", "herd.cell.9Q5", "herd.cell.9q5."}) {
    INFO(prefix);
    CHECK(areas.add(prefix));
    CHECK(areas.size() == 0);
  }
}

TEST_CASE("a repeated area counts once, and one more than the bound is refused") {
  CellSubscriptions areas("Hill");
  const auto area = [](std::size_t i) { return "herd.cell." + to_text(Geohash{i} << 30U).substr(0, 2); };
  for (std::size_t i = 0; i < kMaxViewerAreas; ++i) {
    CHECK(areas.add(area(i)));
    CHECK(areas.add(area(i)));
  }
  CHECK(areas.size() == kMaxViewerAreas);
  CHECK(!areas.add(area(kMaxViewerAreas)));
  CHECK(areas.add(area(0)));
  CHECK(areas.size() == kMaxViewerAreas);
  areas.remove(area(0));
  CHECK(areas.add(area(kMaxViewerAreas)));
}

}  // namespace
}  // namespace herd::node
