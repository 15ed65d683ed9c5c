#include "bus/store/origins.hpp"

#include "tests/catch.hpp"

using namespace herd::bus;

TEST_CASE("an origin is stored once, however often it is used") {
  Origins origins;
  const OriginIndex hill = origins.use("Hill", 1);
  const OriginIndex smith = origins.use("Smith", 1);
  CHECK(hill != smith);
  CHECK(origins.use("Hill", 1) == hill);
  CHECK(origins.use("Smith", 1) == smith);
  CHECK(origins.at(hill).name == "Hill");
  CHECK(origins.at(hill).run == 1);
  CHECK(origins.at(hill).uses == 2);
}

TEST_CASE("two runs of one node are two origins") {
  Origins origins;
  CHECK(origins.use("Hill", 1) != origins.use("Hill", 2));
}

TEST_CASE("the index of an origin that is no longer used is given to the next") {
  Origins origins;
  const OriginIndex first = origins.use("Hill", 1);
  (void)origins.use("Hill", 1);
  origins.release(first);
  CHECK(origins.use("Hill", 2) != first);  // it still has one use
  origins.release(first);
  CHECK(origins.use("Hill", 3) == first);
  CHECK(origins.at(first).run == 3);
  CHECK(origins.at(first).uses == 1);
}

TEST_CASE("a thousand restarts of a node need only one index") {
  Origins origins;
  OriginIndex index = origins.use("Hill", 0);
  for (std::uint64_t run = 1; run < 1000; ++run) {
    origins.release(index);
    index = origins.use("Hill", run);
    CHECK(index == 0);
  }
}
