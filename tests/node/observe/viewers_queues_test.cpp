// The queues of viewers: the bounds of each and of all together, and a fair order.
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "node/observe/viewer.hpp"
#include "node/observe/viewers.hpp"
#include "tests/node/viewers_port.hpp"

namespace herd::node {
namespace {

TEST_CASE("a viewer that stopped loses messages until it has read half of its queue, and others lose none") {
  Viewers::Limits limits;
  limits.queue = 100;
  Port port(limits);
  const auto stopped = port.viewer("herd.a", "127.0.0.1", 4096);
  const auto reader = port.viewer();
  const std::string body(2000, 'x');
  std::string received;
  std::size_t sent = 0;
  CHECK(port.until([&] {
    fill(port, 10, body);
    sent += 10;
    received += reader->receive();
    return port.viewers->counters().overflows == 1 && sent > 500;
  }));
  CHECK(port.viewers->counters().overflows == 1);  // once each time that it becomes full
  const std::size_t expected =
      zmtp::greeting().size() + zmtp::ready().size() + sent * zmtp::message("herd.a", body).size();
  CHECK(port.until([&] { return (received += reader->receive()).size() == expected; }));
  // It reads complete messages, and receives new ones once it has read half of its queue.
  std::string late = stopped->receive();
  CHECK(port.until([&] {
    fill(port, 1, "newest");
    late += stopped->receive();
    return late.ends_with(zmtp::message("herd.a", "newest"));
  }));
  late.erase(0, zmtp::greeting().size() + zmtp::ready().size());
  std::size_t old = 0;
  for (; late.starts_with(zmtp::message("herd.a", body)); ++old) late.erase(0, zmtp::message("herd.a", body).size());
  for (; late.starts_with(zmtp::message("herd.a", "newest"));) late.erase(0, zmtp::message("herd.a", "newest").size());
  CHECK(late.empty());
  CHECK(old >= limits.queue);
  CHECK(old < sent);
}

TEST_CASE("the queue of a viewer has a bound in bytes as well, and accepts one message of any length") {
  Viewers::Limits limits;
  limits.queue_bytes = 300'000;
  Port port(limits);
  const auto stopped = port.viewer("herd.a", "127.0.0.1", 4096);
  const std::string long_body(1'000'000, 'x');
  fill(port, 1, long_body);
  CHECK(port.viewers->counters().overflows == 0);
  fill(port, 1, "short");
  CHECK(port.viewers->counters().overflows == 1);
  std::string received;
  CHECK(port.until([&] { return (received += stopped->receive()).size() >= long_body.size(); }));
  fill(port, 1, "short");
  CHECK(port.until([&] { return (received += stopped->receive()).ends_with(zmtp::message("herd.a", "short")); }));
}

TEST_CASE("if all queues together are full, the viewer that has read nothing for longest is disconnected") {
  Viewers::Limits limits;
  limits.all_bytes = 3'000'000;
  Port port(limits);
  const std::string body(100'000, 'x');
  const auto first = port.viewer("herd.a", "127.0.0.1", 4096);
  fill(port, 8, body);
  port.now += 10s;
  const auto second = port.viewer("herd.a", "127.0.0.1", 4096);
  fill(port, 8, body);
  port.settle();
  CHECK(port.viewers->connected() == 2);  // 0.8 MB for the first, and 0.8 MB for the second
  port.now += 10s;
  const auto third = port.viewer("herd.b", "127.0.0.1", 4096);
  for (int i = 0; i < 9; ++i) port.viewers->publish(kB, zmtp::message("herd.b", body));
  CHECK(port.viewers->connected() == 3);
  port.settle();
  const auto fourth = port.viewer("herd.b", "127.0.0.1", 4096);
  for (int i = 0; i < 9; ++i) port.viewers->publish(kB, zmtp::message("herd.b", body));
  port.settle();
  CHECK(first->has_ended());
  CHECK_FALSE(fourth->has_ended());
  CHECK(port.viewers->counters().cut >= 1);
  CHECK(port.viewers->subscribed(kB) == 2);
}

// All bytes that a non-blocking socket has received.
std::string read_all(Socket& socket) {
  std::string all;
  std::array<char, 65536> buffer;
  std::error_code error;
  while (const std::size_t count = socket.receive(buffer, error)) all.append(buffer.data(), count);
  return all;
}

// Over a socket pair, which accepts nothing more once it is full: the buffers of TCP can grow at any time.
TEST_CASE("few PONGs wait for a viewer that does not read, however many PINGs it sends") {
  std::array<int, 2> ends{};
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()) == 0);
  Socket reader(ends[1]);
  const std::vector<std::string> topics{"herd.a"};
  Viewer viewer(Socket{ends[0]}, "test", {topics}, 0s);
  std::size_t queued_bytes = 0;
  while (!viewer.is_blocked()) {
    REQUIRE(viewer.queue(std::make_shared<const Published>(zmtp::message("herd.a", "hello"), queued_bytes)));
    viewer.send(0s);
  }
  std::string input = subscriber_start();
  for (int i = 0; i < 500; ++i) input += as_command("\4PING\0\0context"s);
  std::error_code error;
  REQUIRE(reader.send(input, error) == input.size());
  std::array<char, kViewerReadBytes> buffer;
  for (std::size_t bytes = 0; bytes < input.size(); bytes += buffer.size()) {
    viewer.receive(buffer, 0s);
    viewer.send(0s);
  }
  REQUIRE(viewer.is_open());
  std::string output;
  for (; viewer.wants_to_send(); viewer.send(0s)) output += read_all(reader);
  output += read_all(reader);
  std::size_t pongs = 0;
  for (std::size_t at = 0; (at = output.find("\4PONG", at)) != std::string::npos; ++at) ++pongs;
  CHECK(pongs > 0);
  CHECK(pongs <= kMaxViewerReplyBytes / zmtp::pong("context").size());
}

TEST_CASE("one iteration sends a bounded number of bytes and reports that more is left, and every viewer is served") {
  Port port;
  std::vector<std::unique_ptr<Peer>> viewers;
  for (std::size_t i = 0; i < kViewerSends + 40; ++i) viewers.push_back(port.viewer());
  for (const auto& viewer : viewers) (void)viewer->receive();
  port.viewers->publish(kA, zmtp::message("herd.a", "hello"));
  port.viewers->send(port.now);
  CHECK(port.viewers->has_more());
  std::size_t received = 0;
  std::vector<bool> has_received(viewers.size());
  CHECK(port.until([&] {
    for (std::size_t i = 0; i < viewers.size(); ++i) {
      if (!has_received[i] && !viewers[i]->receive().empty()) {
        has_received[i] = true;
        ++received;
      }
    }
    return received == viewers.size();
  }));
  CHECK_FALSE(port.viewers->has_more());
}

TEST_CASE("without a free descriptor accepting pauses instead of spinning, and continues when there is one") {
  Port port;
  const auto viewer = port.viewer();
  Peer late(port.port);
  Peer spare(port.port);
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
  const int next = dup(0);
  close(next);
  const rlimit none{static_cast<rlim_t>(next), before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
  const bool paused = port.until([&] { return port.viewers->next_deadline() <= port.now + 100ms; });
  port.viewers->serve(port.now);
  const std::size_t connected = port.viewers->connected();
  REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK(paused);
  CHECK(connected == 1);
  port.now += 100ms;
  CHECK(port.until([&] { return port.viewers->connected() == 3; }));
}

TEST_CASE("a hundred viewers, of which half never read, share the memory of messages, and the others lose nothing") {
  Port port;
  std::vector<std::unique_ptr<Peer>> readers;
  std::vector<std::unique_ptr<Peer>> stopped;
  for (int i = 0; i < 50; ++i) {
    readers.push_back(port.viewer());
    stopped.push_back(port.viewer("herd.a", "127.0.0.1", 4096));
  }
  constexpr std::size_t kMessages = 2000;
  const std::string body(300, 'x');
  const std::size_t expected =
      zmtp::greeting().size() + zmtp::ready().size() + kMessages * zmtp::message("herd.a", body).size();
  std::vector<std::size_t> received(readers.size());
  std::size_t published = 0;
  CHECK(port.until([&] {
    if (published < kMessages) {
      fill(port, 100, body);
      published += 100;
    }
    bool all = true;
    for (std::size_t i = 0; i < readers.size(); ++i) {
      received[i] += readers[i]->receive().size();
      all = all && received[i] == expected;
    }
    return all;
  }));
  CHECK(port.viewers->counters().overflows == stopped.size());
  CHECK(port.viewers->subscribed(kA) == 100);
}

}  // namespace
}  // namespace herd::node
