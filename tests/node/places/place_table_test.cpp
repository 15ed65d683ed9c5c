#include "node/places/place_table.hpp"

#include "tests/catch.hpp"
#include "tests/node/places/places_table.hpp"

using namespace herd::node::places;
using testing::table_of;

namespace {

std::size_t rows_of(std::string_view rows) {
  const auto read = read_place_table(table_of(rows), [](const PlaceRow&) { return true; });
  return read ? *read : std::size_t{999};
}

}  // namespace

TEST_CASE("a row of the table is read with all its columns") {
  PlaceRow seen;
  const std::string table = table_of("geonames:1\tZürich\t47.36667\t-8.55000\tseat\tCH\tZürich, CH\t341730\n");
  REQUIRE(read_place_table(table, [&](const PlaceRow& row) {
            seen = row;
            return true;
          }) == 1U);
  CHECK(seen.id == "geonames:1");
  CHECK(seen.name == "Zürich");
  CHECK(seen.position.latitude == 47.36667);
  CHECK(seen.position.longitude == -8.55);
  CHECK(seen.kind == Kind::Seat);
  CHECK(seen.area == "Zürich, CH");
  CHECK(seen.population == 341'730);
}

TEST_CASE("reading ends with the row that is not taken") {
  std::size_t seen = 0;
  const std::string row = "a\tX\t0\t0\ttown\tCH\t\t0\n";
  CHECK(read_place_table(table_of(row + row + row), [&](const PlaceRow&) { return ++seen < 2; }) == 1U);
  CHECK(seen == 2);
}

TEST_CASE("a table without rows is valid, and a text without the header is not") {
  CHECK(rows_of("") == 0);
  CHECK_FALSE(read_place_table("", [](const PlaceRow&) { return true; }));
  CHECK_FALSE(read_place_table("a\tX\t0\t0\ttown\tCH\tCH\t0\n", [](const PlaceRow&) { return true; }));
}

TEST_CASE("a row is accepted at each bound and refused beyond it") {
  CHECK(rows_of("a\tX\t90\t180\ttown\tCH\t\t0\n") == 1);
  CHECK(rows_of("a\tX\t-90\t-180\ttown\tCH\t\t4294967295\n") == 1);
  CHECK(rows_of("a\tX\t90.00001\t0\ttown\tCH\t\t0\n") == 999);
  CHECK(rows_of("a\tX\t0\t-180.00001\ttown\tCH\t\t0\n") == 999);
  CHECK(rows_of("a\tX\tnan\t0\ttown\tCH\t\t0\n") == 999);
  CHECK(rows_of("a\tX\t0\t0\ttown\tCH\t\t4294967296\n") == 999);
  CHECK(rows_of("a\tX\t0\t0\ttown\tCH\t\t-1\n") == 999);
  CHECK(rows_of("a\tX\t0\t0\ttown\tCH\t\t1x\n") == 999);
  CHECK(rows_of("a\tX\t0\t0\tmoon\tCH\t\t0\n") == 999);
  CHECK(rows_of("a\t\t0\t0\ttown\tCH\t\t0\n") == 999);
  CHECK(rows_of("\tX\t0\t0\ttown\tCH\t\t0\n") == 999);
  CHECK(rows_of("a\t" + std::string(255, 'x') + "\t0\t0\ttown\tCH\t\t0\n") == 1);
  CHECK(rows_of("a\t" + std::string(256, 'x') + "\t0\t0\ttown\tCH\t\t0\n") == 999);
  CHECK(rows_of("a\tX\t0\t0\ttown\tCH\t" + std::string(255, 'x') + "\t0\n") == 1);
  CHECK(rows_of("a\tX\t0\t0\ttown\tCH\t" + std::string(256, 'x') + "\t0\n") == 999);
}

TEST_CASE("a row with a column too few or too many is refused, and the error names it") {
  CHECK(rows_of("a\tX\t0\t0\ttown\tCH\t0\n") == 999);
  CHECK(rows_of("a\tX\t0\t0\ttown\tCH\t\t0\t1\n") == 999);
  const std::string table = table_of("a\tX\t0\t0\ttown\tCH\t\t0\n\n");
  const auto read = read_place_table(table, [](const PlaceRow&) { return true; });
  REQUIRE_FALSE(read);
  CHECK(read.error().message == "row 2 of the table of places is invalid");
}
