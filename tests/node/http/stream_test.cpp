// Streams: the server's single thread sends events to many viewers, of which some never read.
#include <sys/epoll.h>
#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <map>
#include <thread>
#include <vector>

#include "node/observe/metrics.hpp"
#include "tests/node/http/test_server.hpp"
#include "tests/node/wait_until.hpp"

namespace herd::node::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

std::string event(int number, std::size_t bytes = 0) {
  std::string text = "id: " + std::to_string(number) + "\ndata: ";
  return text + std::string(bytes > text.size() + 2 ? bytes - text.size() - 2 : 1, 'e') + "\n\n";
}

void publish(TestServer& server, const std::string& text) {
  server.on_thread([&] {
    server.ring->publish(text);
    return 0;
  });
}

std::size_t viewers(TestServer& server) {
  return server.on_thread([&] { return server.ring->viewers(); });
}

TEST_CASE("a viewer gets events as they are published, and its disconnect is noticed while nothing is sent") {
  TestServer server;
  {
    RawClient viewer(server.port);
    const auto head = viewer.ask(request_for("/events"));
    REQUIRE(head);
    CHECK(head->status == 200);
    CHECK(head->header("Content-Type") == "text/event-stream");
    CHECK(head->header("Connection") == "close");
    publish(server, event(1));
    publish(server, event(2));
    while (viewer.received().size() < event(1).size() + event(2).size())
      REQUIRE(viewer.receive_some(milliseconds(10'000)));
    CHECK(viewer.received() == event(1) + event(2));
    CHECK(server.figures().streams == 1);
  }
  CHECK(wait_until([&] { return viewers(server) == 0; }));
  CHECK(server.figures().streams == 0);
}

TEST_CASE("HEAD of a stream returns its head only") {
  TestServer server;
  RawClient client(server.port);
  const auto head = client.ask("HEAD /events HTTP/1.1\r\nHost: x\r\n\r\n", true);
  REQUIRE(head);
  CHECK(head->header("Content-Type") == "text/event-stream");
  CHECK(client.read_to_end().empty());
  CHECK(viewers(server) == 0);
}

TEST_CASE("both sides of the bound of viewers: requests are answered at the bound as well") {
  Limits limits;
  limits.streams = 3;
  TestServer server(limits);
  std::vector<RawClient> watching;
  for (std::size_t i = 0; i < limits.streams; ++i) {
    watching.emplace_back(server.port);
    REQUIRE(watching.back().ask(request_for("/events"))->status == 200);
  }
  const auto refused = get(server.port, "/events");
  REQUIRE(refused);
  CHECK(refused->status == 503);
  CHECK(refused->header("Content-Type") == "application/problem+json");
  CHECK(refused->header("Retry-After") == "1");
  CHECK(refused->body.find("too many viewers: try again later") != std::string::npos);
  CHECK(get(server.port, "/ok")->status == 200);
  watching.pop_back();
  CHECK(wait_until([&] { return server.figures().streams == 2; }));
}

TEST_CASE("a viewer that does not read is ended at its deadline, and others lose nothing") {
  Limits limits;
  limits.stall_time = milliseconds(300);
  TestServer server(limits, {.events = 1'000'000, .bytes = std::size_t{1} << 30});
  RawClient deaf(server.port, "127.0.0.1", 4096);
  REQUIRE(deaf.ask(request_for("/events")));
  RawClient reader(server.port);
  REQUIRE(reader.ask(request_for("/events")));
  std::size_t published = 0;
  REQUIRE(wait_until([&] {
    publish(server, event(1, 8000));
    ++published;
    while (reader.receive_some(milliseconds(1))) {
    }
    return server.figures().streams == 1;
  }));
  while (reader.received().size() < published * 8000) REQUIRE(reader.receive_some(milliseconds(10'000)));
  CHECK(server.figures().overdue == 1);
  CHECK(deaf.ends_within(std::chrono::seconds(10)));
}

TEST_CASE("the stream of a viewer ends if the ring has dropped its next event") {
  Limits limits;
  limits.stall_time = std::chrono::seconds(60);
  TestServer server(limits, {.events = 4});
  RawClient slow(server.port, "127.0.0.1", 4096);
  REQUIRE(slow.ask(request_for("/events")));
  const auto send_queue_is_full = [&, last = std::size_t{0}]() mutable {
    publish(server, event(1, 50'000));
    return ++last > 200;
  };
  REQUIRE(wait_until(send_queue_is_full));
  // Now it reads again, and gets the end of the stream in place of a gap.
  CHECK(slow.ends_within(std::chrono::seconds(20)));
  CHECK(wait_until([&] { return viewers(server) == 0; }));
  CHECK(server.on_thread([&] { return server.ring->overtaken(); }) == 1);
}

// ---- a thousand viewers --------------------------------------------------------------------------------------------

constexpr int kViewers = 1000;
constexpr int kDeaf = 100;
constexpr int kEvents = 50;
constexpr std::size_t kEventBytes = 1000;

// Reads the events of all viewers except the deaf ones, on a thread of its own.
class Readers {
 public:
  explicit Readers(std::vector<RawClient>& viewers) : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    for (std::size_t i = 0; i < viewers.size(); ++i) {
      epoll_event interest{EPOLLIN, {.u64 = i}};
      epoll_ctl(epoll_, EPOLL_CTL_ADD, viewers[i].descriptor(), &interest);
    }
    bytes_.resize(viewers.size());
    thread_ = std::jthread([this, &viewers](const std::stop_token& end) { run(viewers, end); });
  }
  ~Readers() {
    thread_ = {};
    ::close(epoll_);
  }
  Readers(const Readers&) = delete;
  Readers& operator=(const Readers&) = delete;

  // The number of viewers that have read at least `bytes` bytes.
  std::size_t have(std::size_t bytes) {
    return static_cast<std::size_t>(
        std::count_if(bytes_.begin(), bytes_.end(), [&](const auto& one) { return one >= bytes; }));
  }

 private:
  void run(std::vector<RawClient>& viewers, const std::stop_token& end) {
    std::vector<epoll_event> ready(256);
    std::vector<char> buffer(std::size_t{64} * 1024);
    while (!end.stop_requested()) {
      const int count = epoll_wait(epoll_, ready.data(), static_cast<int>(ready.size()), 20);
      for (int i = 0; i < count; ++i) {
        const auto place = ready[static_cast<std::size_t>(i)].data.u64;
        const ssize_t got = recv(viewers[place].descriptor(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (got > 0) bytes_[place] += static_cast<std::size_t>(got);
        if (got == 0) epoll_ctl(epoll_, EPOLL_CTL_DEL, viewers[place].descriptor(), nullptr);
      }
    }
  }

  struct Count : std::atomic<std::size_t> {
    Count() : std::atomic<std::size_t>(0) {}
    Count(Count&& other) noexcept : std::atomic<std::size_t>(other.load()) {}
  };
  int epoll_;
  std::vector<Count> bytes_;
  std::jthread thread_;
};

// Whether the process may have enough descriptors: each viewer takes two.
bool may_open(rlim_t descriptors) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= descriptors) return true;
  limit.rlim_cur = std::min<rlim_t>(descriptors, limit.rlim_max);
  return setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= descriptors;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

TEST_CASE("a thousand viewers, of which a hundred never read, are served by one thread and do not delay requests") {
  if (!may_open(2 * kViewers + 200)) {
    WARN("the limit of open files is too low for a thousand viewers");
    return;
  }
  Limits limits;
  limits.connections = limits.connections_an_address = kViewers + 50;
  limits.streams = kViewers;
  limits.stall_time = milliseconds(1'000);
  TestServer server(limits, {.events = 16});
  const auto before = read_process_metrics().resident_bytes.value_or(0);
  std::vector<RawClient> deaf;
  for (int i = 0; i < kDeaf; ++i) deaf.emplace_back(server.port, "127.0.0.1", 2048);
  std::vector<RawClient> reading;
  for (int i = 0; i < kViewers - kDeaf; ++i) reading.emplace_back(server.port);
  for (auto& viewer : deaf) REQUIRE(viewer.send(request_for("/events")));
  for (auto& viewer : reading) REQUIRE(viewer.ask(request_for("/events")));
  REQUIRE(wait_until([&] { return viewers(server) == kViewers; }));

  Readers readers(reading);
  std::vector<double> waits;
  std::size_t published = 0;
  const auto publish_one = [&] {
    publish(server, event(static_cast<int>(published), kEventBytes));
    ++published;
    const auto begin = steady_clock::now();
    const auto answer = get(server.port, "/ok");
    REQUIRE(answer);
    CHECK(answer->status == 200);
    waits.push_back(std::chrono::duration<double, std::milli>(steady_clock::now() - begin).count());
    // Waits until every reader has the event, so that a slow machine does not count as a slow viewer.
    REQUIRE(wait_until([&] { return readers.have(published * kEventBytes) == kViewers - kDeaf; }));
  };
  while (published < kEvents) publish_one();
  const auto grown =
      static_cast<double>(read_process_metrics().resident_bytes.value_or(0)) - static_cast<double>(before);
  // The deaf viewers fill their kernel buffers, and are then ended.
  while (server.figures().streams > kViewers - kDeaf && published < 20'000) publish_one();
  CHECK(server.figures().streams == kViewers - kDeaf);
  CHECK(median(waits) < 200);
  std::cout << "1,000 viewers, 100 never read: memory of both ends +" << grown / 1e6 << " MB, request p50 "
            << median(waits) << " ms, longest " << *std::max_element(waits.begin(), waits.end()) << " ms, " << published
            << " events of 1 kB until the last that never read was ended\n";
}

}  // namespace
}  // namespace herd::node::http
