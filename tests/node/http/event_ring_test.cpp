#include "node/http/event_ring.hpp"

#include <vector>

#include "tests/catch.hpp"

namespace herd::node::http {
namespace {

using Next = StreamSource::Next;

// Returns all events that the viewer can read now.
std::vector<std::string> pull_all(StreamSource& viewer) {
  std::vector<std::string> events;
  for (auto pulled = viewer.pull(); pulled.next == Next::Piece; pulled = viewer.pull()) events.push_back(*pulled.piece);
  return events;
}

TEST_CASE("a viewer gets the events since it began, in order") {
  const auto ring = std::make_shared<EventRing>(EventRingLimits{});
  ring->publish("before");
  const auto viewer = ring->view();
  CHECK(viewer->pull().next == Next::Nothing);
  ring->publish("a");
  ring->publish("b");
  CHECK(pull_all(*viewer) == std::vector<std::string>{"a", "b"});
  CHECK(viewer->pull().next == Next::Nothing);
}

TEST_CASE("viewers share the memory of an event") {
  const auto ring = std::make_shared<EventRing>(EventRingLimits{});
  const auto one = ring->view();
  const auto other = ring->view();
  ring->publish("a");
  CHECK(one->pull().piece == other->pull().piece);
}

TEST_CASE("an event wakes every viewer, and a viewer is counted until it is destroyed") {
  const auto ring = std::make_shared<EventRing>(EventRingLimits{});
  int woken = 0;
  auto one = ring->view();
  const auto other = ring->view();
  one->on_more([&] { ++woken; });
  other->on_more([&] { woken += 10; });
  CHECK(ring->viewers() == 2);
  ring->publish("a");
  CHECK(woken == 11);
  one.reset();
  CHECK(ring->viewers() == 1);
  ring->publish("b");
  CHECK(woken == 21);
}

TEST_CASE("the stream of a viewer ends if the ring has dropped its next event, and not one event earlier") {
  const auto ring = std::make_shared<EventRing>(EventRingLimits{.events = 3});
  const auto slow = ring->view();
  for (const auto* event : {"a", "b", "c"}) ring->publish(event);
  const auto late = ring->view();
  ring->publish("d");
  CHECK(slow->pull().next == Next::End);
  CHECK(ring->overtaken() == 1);
  CHECK(pull_all(*late) == std::vector<std::string>{"d"});
}

TEST_CASE("a slow viewer can still read all events that the ring holds") {
  const auto ring = std::make_shared<EventRing>(EventRingLimits{.events = 3});
  const auto viewer = ring->view();
  for (const auto* event : {"a", "b", "c"}) ring->publish(event);
  CHECK(pull_all(*viewer) == std::vector<std::string>{"a", "b", "c"});
}

TEST_CASE("the ring is bounded in bytes as well, and always holds the newest event") {
  const auto ring = std::make_shared<EventRing>(EventRingLimits{.events = 100, .bytes = 10});
  const auto viewer = ring->view();
  ring->publish(std::string(5, 'a'));
  ring->publish(std::string(5, 'b'));
  CHECK(pull_all(*viewer).size() == 2);
  const auto other = ring->view();
  ring->publish(std::string(11, 'c'));
  CHECK(pull_all(*other) == std::vector<std::string>{std::string(11, 'c')});
  ring->publish("d");  // only this one fits now
  CHECK(pull_all(*other) == std::vector<std::string>{"d"});
}

}  // namespace
}  // namespace herd::node::http
