#include "node/clients/iteration_time.hpp"

#include "tests/catch.hpp"

using namespace herd::node;
using namespace std::chrono_literals;

TEST_CASE("the index may take its slice, or as long as the iteration before it, within a bound") {
  CHECK(index_time(0ns) == 100us);
  CHECK(index_time(100us) == 100us);
  CHECK(index_time(1500us) == 1500us);
  CHECK(index_time(10ms) == 10ms);
  CHECK(index_time(1h) == 10ms);
}

TEST_CASE("events may take the rest of 1 ms, but at least a quarter of the time before them, within a bound") {
  CHECK(event_time(0ns) == 1ms);
  CHECK(event_time(600us) == 400us);
  CHECK(event_time(800us) == 200us);
  CHECK(event_time(900us) == 225us);
  CHECK(event_time(4ms) == 1ms);
  CHECK(event_time(1h) == 2500us);
}
