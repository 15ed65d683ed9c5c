#include "node/observe/viewers.hpp"

#include <algorithm>

#include "tests/node/viewers_port.hpp"

namespace herd::node {
namespace {

TEST_CASE("a viewer gets a greeting, the topics that it has subscribed to, and nothing else") {
  Port port;
  const auto viewer = port.viewer();
  port.viewers->publish(kA, zmtp::message("herd.a", "one"));
  port.viewers->publish(kB, zmtp::message("herd.b", "two"));
  std::string received;
  const std::string expected = zmtp::greeting() + zmtp::ready() + zmtp::message("herd.a", "one");
  CHECK(port.until([&] { return (received += viewer->receive()).size() >= expected.size(); }));
  CHECK(received == expected);
}

TEST_CASE("a PING is answered by PONG with its context, between two messages") {
  Port port;
  const auto viewer = port.viewer();
  viewer->say(as_command("\4PING\0\0one"s) + as_command("\4PING\0\0"s));
  std::string received;
  CHECK(port.until([&] { return (received += viewer->receive()).ends_with(zmtp::pong("one") + zmtp::pong("")); }));
}

TEST_CASE("each way to subscribe, to cancel and to disconnect is counted correctly") {
  Port port;
  const auto subscribed = [&](std::size_t a, std::size_t b) {
    return port.until([&] { return port.viewers->subscribed(kA) == a && port.viewers->subscribed(kB) == b; });
  };
  auto first = port.viewer("herd.");
  auto second = port.viewer("herd.");
  CHECK(subscribed(2, 2));
  for (int times = 0; times < 5; ++times) second->say(as_message("\1herd.") + as_command("\x9SUBSCRIBEherd."));
  second->say(as_message("\1herd.b") + as_message("\1other") + as_message("\0herd."s));
  CHECK(subscribed(1, 2));
  second->say(as_command("\6CANCELherd.b") + as_command("\6CANCELherd.b") + as_message("\0herd."s));
  CHECK(subscribed(1, 1));
  second->say(as_message("\1"));
  CHECK(subscribed(2, 2));
  second->say("\0"s);  // disconnects within a frame
  second->close();
  CHECK(subscribed(1, 1));
  first->reset();
  CHECK(subscribed(0, 0));
  auto third = port.viewer("herd.");
  third->say(as_message("nonsense"));
  CHECK(subscribed(0, 0));
  CHECK(port.until([&] { return port.viewers->connected() == 0; }));
  CHECK(port.viewers->counters().accepted == 3);
  CHECK(port.viewers->counters().cut == 1);  // the third; the others disconnected themselves
}

TEST_CASE("a new subscription is reported once, and again after its cancellation") {
  Port port;
  auto viewer = port.viewer("herd.a");
  const auto fresh = [&](const std::string& bytes) {
    TopicSet all = 0;
    viewer->say(bytes);
    const auto end = std::chrono::steady_clock::now() + 30ms;
    wait_until([&] {
      all = static_cast<TopicSet>(all | port.viewers->serve(port.now));
      return std::chrono::steady_clock::now() > end;
    });
    return all;
  };
  CHECK(fresh(as_message("\1herd.a")) == 0);
  CHECK(fresh(as_message("\1herd.")) == 0b10);
  CHECK(fresh(as_message("\0herd."s) + as_message("\0herd.a"s)) == 0);
  CHECK(fresh(as_message("\1herd.a")) == 0b01);
}

TEST_CASE("a connection with a handshake that takes too long is cut, and a silent viewer is not") {
  Port port;
  const auto viewer = port.viewer();
  Peer silent(port.port);
  Peer half(port.port);
  half.say(subscriber_start().substr(0, 70));
  CHECK(port.until([&] { return port.viewers->connected() == 3; }));
  port.settle();
  CHECK(port.viewers->next_deadline() <= port.now + kViewerHandshakeTime);
  port.now += kViewerHandshakeTime - 1ms;
  port.settle();
  CHECK(port.viewers->connected() == 3);
  port.now += kViewerSweep;
  CHECK(port.until([&] { return port.viewers->connected() == 1; }));
  CHECK(silent.has_ended());
  CHECK(half.has_ended());
  CHECK(port.viewers->counters().cut == 2);
  CHECK(port.viewers->next_deadline() == Nanoseconds::max());
  port.now += 1h;
  port.settle();
  CHECK_FALSE(viewer->has_ended());
}

TEST_CASE("at the bound of viewers one more is refused, unless a connection in the handshake can be closed") {
  Viewers::Limits limits;
  limits.viewers = 3;
  Port port(limits);
  std::vector<std::unique_ptr<Peer>> viewers;
  for (int i = 0; i < 3; ++i) viewers.push_back(port.viewer());
  CHECK(port.viewers->counters().refused == 0);
  Peer fourth(port.port);
  CHECK(port.until([&] { return fourth.has_ended(); }));
  CHECK(port.viewers->counters().refused == 1);
  CHECK(port.viewers->subscribed(kA) == 3);
  viewers.pop_back();
  CHECK(port.until([&] { return port.viewers->connected() == 2; }));
  Peer silent(port.port);
  CHECK(port.until([&] { return port.viewers->connected() == 3; }));
  viewers.push_back(port.viewer());
  CHECK(port.until([&] { return silent.has_ended(); }));
  CHECK(port.viewers->subscribed(kA) == 3);
  CHECK(port.viewers->counters().refused == 1);
}

TEST_CASE("at the bound, a viewer replaces a connection without subscriptions") {
  Viewers::Limits limits;
  limits.viewers = 2;
  Port port(limits);
  const auto viewer = port.viewer();
  Peer idle(port.port);
  idle.say(subscriber_start() + as_message("\1other"));
  CHECK(port.until([&] { return port.viewers->connected() == 2; }));
  port.settle();
  const auto second = port.viewer();
  CHECK(port.until([&] { return idle.has_ended(); }));
  CHECK_FALSE(viewer->has_ended());
  CHECK(port.viewers->subscribed(kA) == 2);
}

TEST_CASE("at the bound, a viewer of the network with the most viewers is disconnected for one of another network") {
  Viewers::Limits limits;
  limits.viewers = 4;
  Port port(limits);
  std::vector<std::unique_ptr<Peer>> many;
  for (int i = 0; i < 4; ++i) {
    port.now += 1s;
    many.push_back(port.viewer());
  }
  const auto other = port.viewer("herd.a", "127.0.0.2");
  CHECK(port.until([&] { return many.back()->has_ended(); }));  // the newest one
  const auto second = port.viewer("herd.a", "127.0.0.2");
  CHECK(port.until([&] { return many[2]->has_ended(); }));
  Peer third(port.port, "127.0.0.2");  // two connections each: closing one would gain nothing
  CHECK(port.until([&] { return third.has_ended(); }));
  CHECK_FALSE(many[0]->has_ended());
  CHECK_FALSE(many[1]->has_ended());
  CHECK(port.viewers->subscribed(kA) == 4);
}

TEST_CASE("a viewer may send a burst, and then at a low rate, and is cut above that") {
  Port port;
  const auto viewer = port.viewer();
  const std::string piece = as_message("\1" + std::string(125, 'x'));  // 128 bytes, which match no topic
  std::string bytes;
  while (bytes.size() + piece.size() <= kViewerInputBurst - 200) bytes += piece;
  const auto send_all = [&](std::string_view all) {
    return port.until([&] {
      all.remove_prefix(viewer->say(all.substr(0, 4096)));
      return all.empty() || viewer->has_ended();
    });
  };
  REQUIRE(send_all(bytes));
  port.settle();
  CHECK_FALSE(viewer->has_ended());
  port.now += 10s;
  REQUIRE(send_all(std::string_view(bytes).substr(0, 10 * kViewerInputBytesPerSecond - 4 * piece.size())));
  port.settle();
  CHECK_FALSE(viewer->has_ended());
  REQUIRE(send_all(std::string_view(bytes).substr(0, 1024)));
  CHECK(port.until([&] { return viewer->has_ended(); }));
  CHECK(port.viewers->connected() == 0);
  CHECK(port.viewers->counters().cut == 1);
}

TEST_CASE("one iteration reads a bounded number of bytes from a viewer") {
  Port port;
  const auto viewer = port.viewer();
  viewer->say(as_message("\1" + std::string(250, 'x')) + as_message("\1" + std::string(250, 'x')) +
              as_message("\1herd.b"));
  REQUIRE(wait_until([&] { return viewer->has_delivered(); }));
  port.viewers->serve(port.now);
  const std::size_t after_one = port.viewers->subscribed(kB);
  CHECK(port.until([&] { return port.viewers->subscribed(kB) == 1; }));
  CHECK(after_one == 0);
}

TEST_CASE("one iteration accepts a bounded number of connections") {
  Port port;
  std::vector<std::unique_ptr<Peer>> peers;
  for (std::size_t i = 0; i < 2 * kViewerAcceptsAtOnce; ++i) peers.push_back(std::make_unique<Peer>(port.port));
  REQUIRE(wait_until(
      [&] { return std::all_of(peers.begin(), peers.end(), [](const auto& peer) { return peer->is_connected(); }); }));
  port.viewers->serve(port.now);
  CHECK(port.viewers->connected() <= kViewerAcceptsAtOnce);
  CHECK(port.until([&] { return port.viewers->connected() == peers.size(); }));
}

}  // namespace
}  // namespace herd::node
