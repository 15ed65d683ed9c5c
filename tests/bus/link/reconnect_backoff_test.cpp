#include "bus/link/reconnect_backoff.hpp"

#include "tests/catch.hpp"

using namespace herd::bus;
using namespace std::chrono_literals;

TEST_CASE("a connection without answers is opened again after 5 s, and then after twice as long each time") {
  ReconnectBackoff backoff(100s);
  CHECK_FALSE(backoff.update(Connected::Down, 100s));
  CHECK(backoff.due() == 105s);
  CHECK_FALSE(backoff.update(Connected::Half, 105s - 1ns));
  CHECK(backoff.update(Connected::Half, 105s));
  CHECK(backoff.due() == 115s);
  CHECK_FALSE(backoff.update(Connected::Down, 115s - 1ns));
  CHECK(backoff.update(Connected::Down, 115s));
  CHECK(backoff.due() == 135s);
  herd::protocol::Nanoseconds now = 135s;
  for (int times = 0; times < 10; ++times) {
    CHECK(backoff.update(Connected::Down, now));
    CHECK(backoff.due() - now <= kReconnectAfterMax);
    now = backoff.due();
  }
  CHECK(backoff.update(Connected::Down, now));
  CHECK(backoff.due() - now == kReconnectAfterMax);
}

TEST_CASE("a link that is up keeps its connection, and resets the delay") {
  ReconnectBackoff backoff(0s);
  CHECK(backoff.update(Connected::Down, 5s));
  for (herd::protocol::Nanoseconds now = 6s; now < 100s; now += 1s) CHECK_FALSE(backoff.update(Connected::Up, now));
  CHECK_FALSE(backoff.update(Connected::Down, 103s));
  CHECK(backoff.update(Connected::Down, 104s));
}
