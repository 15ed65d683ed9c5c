#include "bus/link/reconnect_backoff.hpp"

#include "tests/catch.hpp"

using namespace herd::bus;
using namespace std::chrono_literals;

TEST_CASE("a connection on which nobody answers is opened anew after a while, and then less and less often") {
  ReconnectBackoff reopening(100s);
  CHECK_FALSE(reopening.see(Connected::Down, 100s));
  CHECK(reopening.due() == 105s);
  CHECK_FALSE(reopening.see(Connected::Half, 105s - 1ns));
  CHECK(reopening.see(Connected::Half, 105s));
  CHECK(reopening.due() == 115s);
  CHECK_FALSE(reopening.see(Connected::Down, 115s - 1ns));
  CHECK(reopening.see(Connected::Down, 115s));
  CHECK(reopening.due() == 135s);
  herd::protocol::Nanoseconds now = 135s;
  for (int times = 0; times < 10; ++times) {
    CHECK(reopening.see(Connected::Down, now));
    CHECK(reopening.due() - now <= kReconnectAfterMax);
    now = reopening.due();
  }
  CHECK(reopening.see(Connected::Down, now));
  CHECK(reopening.due() - now == kReconnectAfterMax);
}

TEST_CASE("a link that is up keeps its connection, and has all patience again when it fails") {
  ReconnectBackoff reopening(0s);
  CHECK(reopening.see(Connected::Down, 5s));
  for (herd::protocol::Nanoseconds now = 6s; now < 100s; now += 1s) CHECK_FALSE(reopening.see(Connected::Up, now));
  CHECK_FALSE(reopening.see(Connected::Down, 103s));
  CHECK(reopening.see(Connected::Down, 104s));
}
