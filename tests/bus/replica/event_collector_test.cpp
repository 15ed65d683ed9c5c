#include "bus/replica/event_collector.hpp"

#include "tests/catch.hpp"

using namespace herd::bus;

TEST_CASE("events are given out once, and counters stay") {
  EventCollector events;
  events.note(LinkChanged{"Smith", Connected::Up, 3});
  events.refuse("Jaquez", "reason");
  const Events first = events.take();
  REQUIRE(first.links.size() == 1);
  CHECK(first.links[0].lag == 3);
  REQUIRE(first.refused.size() == 1);
  CHECK(first.refused[0].reason == "reason");
  const Events second = events.take();
  CHECK(second.links.empty());
  CHECK(second.refused.empty());
  CHECK(events.counters().messages_refused == 1);
}

TEST_CASE("at most 64 refusals are kept between two calls of take(), and all are counted") {
  EventCollector events;
  for (std::size_t i = 0; i <= EventCollector::kMaxRefusals; ++i) events.refuse("Smith", "reason");
  CHECK(events.take().refused.size() == EventCollector::kMaxRefusals);
  CHECK(events.counters().messages_refused == EventCollector::kMaxRefusals + 1);
  events.refuse("Smith", "reason");
  CHECK(events.take().refused.size() == 1);
}

TEST_CASE("divergences that were repaired from one peer are one event") {
  EventCollector events;
  events.note(DivergenceRepaired{"Smith", 2});
  events.note(DivergenceRepaired{"Jaquez", 1});
  events.note(DivergenceRepaired{"Smith", 3});
  const Events taken = events.take();
  REQUIRE(taken.repaired.size() == 2);
  CHECK(taken.repaired[0].peer == "Smith");
  CHECK(taken.repaired[0].records == 5);
  CHECK(taken.repaired[1].records == 1);
}
