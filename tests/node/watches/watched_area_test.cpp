#include "node/watches/watched_area.hpp"

#include "tests/catch.hpp"

using namespace herd::node::watches;
using herd::protocol::point_of;

TEST_CASE("the edges of a box belong to it, and it may cross the antimeridian") {
  const WatchedArea box({point_of("-1+179"), point_of("+1-179")});
  for (const auto* inside : {"+1+179", "-1-179", "+0+180", "+0-180", "+0+179.5", "+0-179.5"}) {
    INFO(inside);
    CHECK(box.contains(point_of(inside), false));
  }
  for (const auto* outside : {"+1.0000001+179", "+0+178.9999999", "+0-178.9999999", "+0+0"}) {
    INFO(outside);
    CHECK_FALSE(box.contains(point_of(outside), false));
  }
}

TEST_CASE("+180 and -180 degrees are one meridian for each box") {
  const WatchedArea ends_there({point_of("+0+170"), point_of("+1+180")});
  const WatchedArea begins_there({point_of("+0-180"), point_of("+1-170")});
  const WatchedArea line({point_of("+0+180"), point_of("+1+180")});
  for (const auto* meridian : {"+0+180", "+0-180"}) {
    CHECK(ends_there.contains(point_of(meridian), false));
    CHECK(begins_there.contains(point_of(meridian), false));
    CHECK(line.contains(point_of(meridian), false));
  }
  CHECK_FALSE(line.contains(point_of("+0+179.9999999"), false));
}

TEST_CASE("a client at a pole is inside each box that reaches the pole") {
  const WatchedArea box({point_of("+80+10"), point_of("+90+20")});
  CHECK(box.contains(point_of("+90-100"), false));
  CHECK_FALSE(box.contains(point_of("+89.9999999-100"), false));
  CHECK_FALSE(box.bounds());
}

TEST_CASE("a circle contains its edge, and a member up to the slack") {
  const WatchedArea circle(point_of("+0+0"), 111'195'080, 1'000);
  CHECK(circle.contains(point_of("+1+0"), false));
  CHECK_FALSE(circle.contains(point_of("+1.0000001+0"), false));
  CHECK(circle.contains(point_of("+1.0000001+0"), true));
  CHECK_FALSE(circle.contains(point_of("+1.0001+0"), true));
}
