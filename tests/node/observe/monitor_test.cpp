#include "node/observe/monitor.hpp"

#include <poll.h>
#include <pty.h>
#include <sys/wait.h>

#include <chrono>
#include <csignal>

#include "tests/catch.hpp"
#include "tests/node/subscriber.hpp"

namespace herd::node {
namespace {

using std::chrono::milliseconds;

constexpr Subject kStats{EventLevel::Info, EventKind::Stats};
constexpr Subject kClient{EventLevel::Info, EventKind::Client};
constexpr Subject kPeerWarning{EventLevel::Warning, EventKind::Peer};
constexpr protocol::Nanoseconds kWall{1'520'023'934'918'963'997};

TEST_CASE_METHOD(MonitorFixture, "an event is two frames: its topic and a flat object of common and own fields") {
  Subscriber viewer(*this, "herd.");
  REQUIRE(receives([&](auto) { return monitor->wanted(kPeerWarning); }));
  monitor->publish(kPeerWarning, "digest_differs",
                   std::array<Field, 2>{{{"peer", "Smith"}, {"rounds", std::int64_t{3}}}}, kWall);
  const auto message = viewer.next();
  REQUIRE(message);
  CHECK(message->topic == "herd.WARNING.peer.Hill");
  CHECK(message->body == nlohmann::json::parse(R"({"v": 1, "node": "Hill", "seq": 1,
      "timestamp": "2018-03-02T20:52:14.918963Z", "event": "digest_differs", "peer": "Smith", "rounds": 3})"));
}

TEST_CASE_METHOD(MonitorFixture, "nothing is wanted, sent or counted before a viewer has subscribed") {
  CHECK_FALSE(monitor->wanted(kStats));
  monitor->publish(kStats, "stats", {}, kWall);
  CHECK(monitor->published() == 0);
  Subscriber viewer(*this, "herd.INFO.stats.");
  REQUIRE(receives([&](auto) { return monitor->wanted(kStats); }));
  monitor->publish(kStats, "stats", {}, kWall);
  CHECK(monitor->published() == 1);
  CHECK(viewer.next()->body.at("seq") == 1);
}

TEST_CASE_METHOD(MonitorFixture, "a subscription covers the topics that begin with it and no others") {
  struct Case {
    const char* prefix;
    bool stats, client, peer_warning;
  };
  for (const auto& [prefix, stats, client, peer_warning] :
       {Case{"", true, true, true}, Case{"herd.", true, true, true}, Case{"herd.INFO", true, true, false},
        Case{"herd.INFO.client.Hill", false, true, false}, Case{"herd.WARNING.", false, false, true}}) {
    INFO(prefix);
    Subscriber viewer(*this, prefix);
    REQUIRE(receives(
        [&](auto) { return monitor->wanted(kStats) || monitor->wanted(kClient) || monitor->wanted(kPeerWarning); }));
    CHECK(monitor->wanted(kStats) == stats);
    CHECK(monitor->wanted(kClient) == client);
    CHECK(monitor->wanted(kPeerWarning) == peer_warning);
    viewer.socket().close();
    REQUIRE(receives(
        [&](auto) { return !monitor->wanted(kStats) && !monitor->wanted(kClient) && !monitor->wanted(kPeerWarning); }));
  }
}

TEST_CASE_METHOD(MonitorFixture, "a topic of another node and a longer topic cover nothing") {
  Subscriber viewer(*this, "herd.INFO.client.Hills");
  viewer.socket().set(zmq::sockopt::subscribe, "herd.INFO.stats.Smith");
  viewer.socket().set(zmq::sockopt::subscribe, "herd.WARNING.peer.");  // sent last, so when it is received, all are
  REQUIRE(receives([&](auto) { return monitor->wanted(kPeerWarning); }));
  CHECK_FALSE(monitor->wanted(kClient));
  CHECK_FALSE(monitor->wanted(kStats));
}

TEST_CASE_METHOD(MonitorFixture, "an event is wanted until the last of its viewers has left") {
  Subscriber first(*this, "herd.INFO.");
  REQUIRE(receives([&](auto) { return monitor->wanted(kClient); }));
  {
    Subscriber second(*this, "herd.INFO.");
    REQUIRE(receives([](auto news) { return news.stats_wanted; }));
  }
  Subscriber third(*this, "herd.INFO.");
  REQUIRE(receives([](auto news) { return news.stats_wanted; }));
  first.socket().set(zmq::sockopt::unsubscribe, "herd.INFO.");
  third.socket().set(zmq::sockopt::unsubscribe, "herd.INFO.");
  CHECK(receives([&](auto) { return !monitor->wanted(kClient); }));
}

TEST_CASE_METHOD(MonitorFixture, "every new viewer of the stats is reported, also if others have subscribed already") {
  Subscriber first(*this, "herd.");
  REQUIRE(receives([](auto news) { return news.stats_wanted; }));
  Subscriber second(*this, "herd.");
  REQUIRE(receives([](auto news) { return news.stats_wanted; }));
  Subscriber other(*this, "herd.WARNING.");
  REQUIRE(receives([&](auto news) {
    CHECK_FALSE(news.stats_wanted);
    return monitor->wanted(kPeerWarning);
  }));
}

TEST_CASE_METHOD(MonitorFixture, "the descriptor becomes readable when a viewer connects") {
  Subscriber viewer(*this, "herd.");
  pollfd readable{monitor->fd(), POLLIN, 0};
  bool wanted = false;
  for (int wakes = 0; wakes < 20 && !wanted; ++wakes) {
    REQUIRE(poll(&readable, 1, 10'000) == 1);
    wanted = serve().stats_wanted;
  }
  CHECK(wanted);
}

TEST_CASE_METHOD(MonitorFixture,
                 "each topic has its own sequence numbers, so that a viewer can tell what it has lost") {
  Subscriber viewer(*this, "herd.");
  REQUIRE(receives([&](auto) { return monitor->wanted(kStats); }));
  for (const auto subject : {kStats, kClient, kClient}) monitor->publish(subject, "x", {}, kWall);
  CHECK(viewer.next()->body.at("seq") == 1);
  CHECK(viewer.next()->body.at("seq") == 1);
  CHECK(viewer.next()->body.at("seq") == 2);
}

TEST_CASE_METHOD(MonitorFixture, "a viewer that does not read loses messages, and one that reads loses none") {
  Subscriber slow(*this, "herd.", 1);
  REQUIRE(receives([](auto news) { return news.stats_wanted; }));
  Subscriber fast(*this, "herd.");
  REQUIRE(receives([](auto news) { return news.stats_wanted; }));
  const std::string text(300, 'x');
  constexpr int kEvents = 6 * static_cast<int>(kViewerQueue);
  for (int event = 1; event <= kEvents; ++event) {
    monitor->publish(kClient, "x", std::array<Field, 1>{{{"text", text}}}, kWall);
    const auto message = fast.next();
    REQUIRE(message);
    REQUIRE(message->body.at("seq") == event);
  }
  CHECK(monitor->overflows() >= 1);
  CHECK(monitor->published() == kEvents);

  // It reads the waiting messages and, having caught up, receives new ones.
  std::uint64_t read = 0;
  std::uint64_t last = 0;
  REQUIRE(wait_until([&] {
    monitor->publish(kClient, "x", {}, kWall);
    (void)fast.next();
    while (const auto message = slow.next(milliseconds(10))) {
      ++read;
      REQUIRE(message->body.at("seq") > last);
      last = message->body.at("seq");
    }
    return last > kEvents;
  }));
  CHECK(read >= kViewerQueue);
  CHECK(read < last);
}

TEST_CASE_METHOD(MonitorFixture, "a viewer that keeps up never overflows, however small its queue") {
  endpoint = "tcp://127.0.0.1:" + std::to_string(free_port());
  Viewers::Limits small;
  small.queue = 8;
  monitor = bound(small);
  Subscriber viewer(*this, "herd.");
  REQUIRE(receives([&](auto) { return monitor->wanted(kClient); }));
  for (int event = 1; event <= 10'000; ++event) {
    monitor->publish(kClient, "x", {}, kWall);
    const auto message = viewer.next();
    REQUIRE(message);
    REQUIRE(message->body.at("seq") == event);
  }
  CHECK(monitor->overflows() == 0);
}

TEST_CASE_METHOD(MonitorFixture, "an address in use is an error that names it") {
  const auto second = Monitor::bind(endpoint, "Smith");
  REQUIRE_FALSE(second);
  CHECK(second.error().message == "monitor address " + endpoint +
                                      " cannot be bound: Address already in use; end what uses it or give node Smith "
                                      "another `monitor`");
  for (const auto* wrong : {"", "tcp://", "tcp://127.0.0.1", "tcp://127.0.0.1:port", "tcp://192.0.2.1:12340",
                            "tcp://name:12340", "x://y:1"}) {
    INFO(wrong);
    CHECK_FALSE(Monitor::bind(wrong, "Smith"));
  }
}

TEST_CASE_METHOD(
    MonitorFixture,
    "a prefix with several subscriptions, of two viewers or of one, counts until the last one is cancelled") {
  Subscriber first(*this, "herd.INFO.");
  for (int times = 0; times < 3; ++times) first.socket().set(zmq::sockopt::subscribe, "herd.INFO.");
  first.socket().set(zmq::sockopt::subscribe, "herd.INFO.client.");
  REQUIRE(receives([&](auto) { return monitor->wanted(kClient); }));
  {
    Subscriber second(*this, "herd.INFO.");
    REQUIRE(receives([](auto news) { return news.stats_wanted; }));
  }
  for (int times = 0; times < 4; ++times) {
    CHECK(monitor->wanted(kStats));
    first.socket().set(zmq::sockopt::unsubscribe, "herd.INFO.");
  }
  REQUIRE(receives([&](auto) { return !monitor->wanted(kStats); }));
  CHECK(monitor->wanted(kClient));
  first.socket().close();
  CHECK(receives([&](auto) { return !monitor->wanted(kClient); }));
}

TEST_CASE_METHOD(MonitorFixture,
                 "a viewer with heartbeats stays connected, and a disconnected one reconnects by itself") {
  zmq::socket_t viewer(context, zmq::socket_type::sub);
  viewer.set(zmq::sockopt::linger, 0);
  viewer.set(zmq::sockopt::heartbeat_ivl, 20);
  viewer.set(zmq::sockopt::heartbeat_timeout, 10'000);
  viewer.set(zmq::sockopt::subscribe, "herd.");
  viewer.connect(endpoint);
  REQUIRE(receives([&](auto) { return monitor->wanted(kStats); }));
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
  CHECK(receives([&](auto) { return std::chrono::steady_clock::now() > end; }));
  CHECK(monitor->viewers().counters().accepted == 1);
  monitor.reset();
  monitor = bound();
  CHECK(receives([&](auto) {
    zmq::message_t none;
    (void)viewer.recv(none, zmq::recv_flags::dontwait);  // ZeroMQ subscribes again while the socket is used
    return monitor->wanted(kStats);
  }));
}

TEST_CASE_METHOD(MonitorFixture, "a monitor on all addresses serves viewers of IPv6 and IPv4") {
  const std::string port = std::to_string(free_port());
  endpoint = "tcp://[::]:" + port;
  monitor = bound();
  for (const char* host : {"tcp://[::1]:", "tcp://127.0.0.1:"}) {
    endpoint = host + port;
    Subscriber viewer(*this, "herd.");
    REQUIRE(receives([](auto news) { return news.stats_wanted; }));
    monitor->publish(kStats, "stats", {}, kWall);
    CHECK(viewer.next());
  }
}

TEST_CASE_METHOD(MonitorFixture, "a proxy's XSUB socket is a viewer") {
  zmq::socket_t proxy(context, zmq::socket_type::xsub);
  proxy.set(zmq::sockopt::linger, 0);
  proxy.connect(endpoint);
  proxy.send(zmq::str_buffer("\1herd.INFO."), zmq::send_flags::none);
  REQUIRE(receives([](auto news) { return news.stats_wanted; }));
  monitor->publish(kStats, "stats", {}, kWall);
  serve();
  zmq::message_t topic;
  REQUIRE(proxy.recv(topic));
  CHECK(topic.to_string_view() == "herd.INFO.stats.Hill");
}

TEST_CASE_METHOD(MonitorFixture, "a message that is not a subscription ends the connection") {
  const auto cut = [&] { return monitor->viewers().counters().cut; };
  zmq::socket_t stranger(context, zmq::socket_type::xsub);
  stranger.set(zmq::sockopt::linger, 0);
  stranger.connect(endpoint);
  stranger.send(zmq::buffer(std::string_view("hello")), zmq::send_flags::none);
  REQUIRE(receives([&](auto) { return cut() == 1; }));
  CHECK_FALSE(monitor->wanted(kStats));
}

TEST_CASE_METHOD(MonitorFixture,
                 "the more viewers watch clients, the fewer client events are published per iteration") {
  CHECK(monitor->events_at_once(kClient) == kDeliveriesAtOnce);
  Subscriber first(*this, "herd.");
  Subscriber second(*this, "herd.");
  REQUIRE(receives([&](auto) { return monitor->events_at_once(kClient) == kDeliveriesAtOnce / 2; }));
}

// A process on a pseudo terminal, so that Python flushes each line. This object ends it.
class Terminal {
 public:
  explicit Terminal(std::vector<std::string> command) {
    winsize size{24, 1'000, 0, 0};
    child_ = forkpty(&output_, nullptr, nullptr, &size);
    if (child_ != 0) return;
    std::vector<char*> arguments;
    for (auto& word : command) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    execv(arguments[0], arguments.data());
    _exit(127);
  }
  ~Terminal() {
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
    close(output_);
  }

  // Everything that it has written so far.
  const std::string& read() {
    pollfd readable{output_, POLLIN, 0};
    char buffer[4096];
    while (poll(&readable, 1, 10) == 1) {
      const auto got = ::read(output_, buffer, sizeof buffer);
      if (got <= 0) break;
      text_.append(buffer, static_cast<std::size_t>(got));
    }
    return text_;
  }

 private:
  int output_ = -1;
  pid_t child_ = -1;
  std::string text_;
};

TEST_CASE_METHOD(MonitorFixture, "Debian's own viewer shows an event as a line of topic and JSON") {
  Terminal viewer({"/usr/bin/python3", "-m", "zmq.log", "-t", "herd.", endpoint});
  const bool came = receives([](auto news) { return news.stats_wanted; });
  INFO(viewer.read());
  REQUIRE(came);
  monitor->publish(kStats, "stats", std::array<Field, 1>{{{"clients", std::int64_t{3}}}}, kWall);
  const std::string line =
      R"(herd.INFO.stats.Hill | {"v":1,"node":"Hill","seq":1,"timestamp":"2018-03-02T20:52:14.918963Z",)"
      R"("event":"stats","clients":3})"
      "\r\n";
  CHECK(receives([&](auto) { return viewer.read() == line; }));
}

}  // namespace
}  // namespace herd::node
