#include "node/observe/geohash.hpp"

#include "tests/catch.hpp"

namespace herd::node {
namespace {

std::string geohash(const char* coordinates) {
  return to_text(geohash_of(protocol::point_of(coordinates)));
}

TEST_CASE("the geohashes of known places are those that other programs compute") {
  CHECK(geohash("+57.64911+10.40744") == "u4pruydq");  // the example of the Wikipedia's article, u4pruydqqvj
  CHECK(geohash("+42.6-5.6").starts_with("ezs42"));
  CHECK(geohash("-25.382708-49.265506") == "6gkzwgjz");
  CHECK(geohash("+37.8324+112.5584") == "ww8p1r4t");
  CHECK(geohash("+34.0522-118.2437") == "9q5ctr18");  // Los Angeles
  CHECK(geohash("+48.8584+2.2945") == "u09tunqu");    // Paris
}

TEST_CASE("a point on a border belongs to the cell in the north and east, and the last ones to the last cell") {
  CHECK(geohash("+0+0") == "s0000000");
  CHECK(geohash("-0.0000001-0.0000001") == "7zzzzzzz");
  CHECK(geohash("-90-180") == "00000000");
  CHECK(geohash("+90+180") == "zzzzzzzz");
  CHECK(geohash("+90-180") == "bpbpbpbp");
  CHECK(geohash("-90+180") == "pbpbpbpb");
}

TEST_CASE("a prefix of a geohash is parsed, and contains the cells that begin with it") {
  const Geohash angels = geohash_of(protocol::point_of("+34.0522-118.2437"));
  for (const auto* prefix : {"", "9", "9q5", "9q5ctr1", "9q5ctr18"}) {
    INFO(prefix);
    REQUIRE(parse_geohash(prefix));
    CHECK(parse_geohash(prefix)->contains(angels));
  }
  for (const auto* prefix : {"0", "9q4", "9q5ctr19", "z"}) {
    INFO(prefix);
    REQUIRE(parse_geohash(prefix));
    CHECK(!parse_geohash(prefix)->contains(angels));
  }
  CHECK(parse_geohash("9")->characters == 1);
  CHECK(!(*parse_geohash("0") == *parse_geohash("00")));
}

TEST_CASE("a text with other characters, or with too many, is no geohash") {
  for (const auto* text : {"a", "9i", "l", "o", "9Q5", "9 5", "9q5ctr186", "\xff", "9q5."}) {
    INFO(text);
    CHECK(!parse_geohash(text));
  }
}

}  // namespace
}  // namespace herd::node
