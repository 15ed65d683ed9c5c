#include "node/watches/delays.hpp"

#include "tests/catch.hpp"

using namespace herd::node::watches;
using namespace std::chrono_literals;

TEST_CASE("delays come in the order of their times, and hold back the lowest of their numbers") {
  Delays delays;
  CHECK_FALSE(delays.first());
  CHECK_FALSE(delays.lowest_held());
  delays.put(1, {5s, 10});
  delays.put(2, {3s, 11});
  delays.put(3, {4s, 0});
  CHECK(delays.first()->first == 2);
  CHECK(delays.lowest_held() == 10);
  delays.put(1, {1s, 12});
  CHECK(delays.first()->first == 1);
  CHECK(delays.lowest_held() == 11);
  CHECK(delays.find(1)->held == 12);
  delays.erase(2);
  delays.erase(2);
  CHECK(delays.lowest_held() == 12);
  delays.erase_if([](herd::bus::RecordIndex record) { return record == 1; });
  CHECK(delays.first()->first == 3);
  CHECK_FALSE(delays.lowest_held());
  delays.erase(3);
  CHECK(delays.size() == 0);
}
