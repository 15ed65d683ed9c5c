#include "bus/zmq/bus.hpp"

#include <sys/time.h>

#include <csignal>

#include "bus/zmq/checksum.hpp"
#include "protocol/limits.hpp"
#include "tests/bus/real_buses.hpp"

using namespace herd::bus;
using namespace herd::bus::real;
using namespace herd::protocol;

TEST_CASE("two buses make the stores equal, whichever node gets the reports") {
  Herd herd;
  for (int i = 0; i < 1000; ++i) report(herd.hill(), "a" + std::to_string(i));
  for (int i = 0; i < 1000; ++i) report(herd.smith(), "b" + std::to_string(i));
  REQUIRE(herd.until_equal());
  CHECK(herd.hill().replica->store().size() == 2000);
  report(herd.hill(), "kiwi");
  REQUIRE(herd.until([&] { return herd.smith().replica->find("kiwi").has_value(); }));
}

TEST_CASE("a node that restarts with an empty store gets all records back") {
  Herd herd;
  report(herd.hill(), "kiwi");
  report(herd.smith(), "plum");
  REQUIRE(herd.until_equal());
  herd.restart_smith();
  CHECK(herd.smith().replica->store().size() == 0);
  REQUIRE(herd.until_equal());
  CHECK(herd.smith().replica->store().size() == 2);
  report(herd.smith(), "plum", "6");
  REQUIRE(herd.until([&] { return herd.hill().replica->find("plum")->time == 6s; }));
}

TEST_CASE("reports that come while a peer is away reach it when it returns") {
  Herd herd;
  REQUIRE(herd.until_equal());
  herd.stop_smith();
  for (int i = 0; i < 20'000; ++i) report(herd.hill(), "client" + std::to_string(i));
  REQUIRE(herd.until([&] { return herd.hill().replica->peer_status(0, real_time()).state == Connected::Down; }));
  CHECK(herd.hill().replica->peer_status(0, real_time()).lag == 20'000);
  herd.restart_smith();
  REQUIRE(herd.until_equal());
}

TEST_CASE("a bus that leaves sends BYE") {
  Herd herd;
  REQUIRE(herd.until_equal());
  herd.smith().bus().leave();
  herd.stop_smith();
  const Nanoseconds before = real_time().steady;
  REQUIRE(herd.until([&] { return herd.hill().replica->peer_status(0, real_time()).state == Connected::Down; }));
  CHECK(real_time().steady - before < kSilence);
}

TEST_CASE("the error of open() names the address that cannot be used") {
  Herd herd;
  const auto replica = make_replica("Campbell", {"Hill"}, 1);
  const auto busy = Bus::open(herd.context(), {{herd.hills_address()}, {herd.hills_address()}}, *replica);
  REQUIRE_FALSE(busy);
  CHECK(busy.error().message == "bus address " + herd.hills_address() +
                                    " is in use: stop the other process or change `bus` in the configuration");
  const auto bad = Bus::open(herd.context(), {{"tcp://127.0.0.1:no"}, {herd.hills_address()}}, *replica);
  REQUIRE_FALSE(bad);
  CHECK(bad.error().message.find("bus address tcp://127.0.0.1:no cannot be used: ") == 0);
  const std::string free = "tcp://127.0.0.1:" + std::to_string(herd::node::free_port());
  const auto nowhere = Bus::open(herd.context(), {{free}, {"udp://nowhere"}}, *replica);
  REQUIRE_FALSE(nowhere);
  CHECK(nowhere.error().message.find("bus address udp://nowhere cannot be used: ") == 0);
}

TEST_CASE("a stranger that does not speak ZMTP disturbs no link") {
  Herd herd;
  REQUIRE(herd.until_equal());
  const Stranger browser(herd.hills_address());
  browser.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const Stranger noise(herd.hills_address());
  noise.send(std::string(100'000, '\xff'));
  const Stranger silent(herd.hills_address());
  report(herd.hill(), "kiwi");
  report(herd.smith(), "plum");
  CHECK(herd.until_equal());
}

TEST_CASE("a stranger's messages, of any structure and size, disturb no link") {
  Herd herd;
  REQUIRE(herd.until_equal());
  zmq::socket_t stranger(herd.context(), zmq::socket_type::dealer);
  stranger.set(zmq::sockopt::linger, 0);
  stranger.connect(herd.hills_address());
  const auto send = [&](std::vector<std::string> frames) {
    for (std::size_t i = 0; i < frames.size(); ++i) {
      const auto flags = i + 1 < frames.size() ? zmq::send_flags::sndmore : zmq::send_flags::none;
      (void)stranger.send(zmq::buffer(frames[i]), flags);
    }
  };
  Hello hello;
  hello.herd = "herd";
  hello.node = "Stranger";
  hello.incarnation = hello.feed_id = 1;
  const auto checksum = [](const std::string& header, std::optional<std::string_view> body = std::nullopt) {
    const Checksum bytes = checksum_of(header, body);
    return std::string(bytes.data(), bytes.size());
  };
  send({"", checksum("")});
  send({"nonsense", checksum("nonsense")});
  send({encode(Bye{1}), "more", checksum(encode(Bye{1}), "more")});
  send({encode(hello), checksum(encode(hello))});
  const auto refused = [&] { return herd.hill().replica->counters().messages_refused; };
  REQUIRE(herd.until([&] { return refused() == 4; }));
  send({""});
  send({"", "", "", "", ""});
  send({encode(hello)});
  send({encode(hello), "more", checksum(encode(hello))});  // the checksum of another message
  send({encode(hello), checksum(encode(hello)).substr(1)});
  REQUIRE(herd.until([&] { return herd.hill().replica->counters().messages_damaged == 5; }));
  send({std::string(kMaxMessageBytes + 1, 'x')});  // closes the stranger's connection, and no other
  report(herd.smith(), "kiwi");
  CHECK(herd.until_equal());
  CHECK(refused() == 4);
}

TEST_CASE("the ROUTER is read while a peer accepts nothing") {
  zmq::context_t context;
  // At Smith's port a socket listens, but its connections are never accepted.
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  const std::uint16_t full_port = herd::node::free_port();
  const sockaddr_in there = herd::node::loopback(full_port);
  REQUIRE(bind(listener, reinterpret_cast<const sockaddr*>(&there), sizeof there) == 0);
  REQUIRE(listen(listener, 1) == 0);
  const std::string hills = "tcp://127.0.0.1:" + std::to_string(herd::node::free_port());
  Node hill;
  hill.replica = make_replica("Hill", {"Smith"}, 1);
  hill.pumped = PumpedBus::open(context, {{hills}, {"tcp://127.0.0.1:" + std::to_string(full_port)}}, *hill.replica);
  REQUIRE(hill.pumped);
  zmq::socket_t smith(context, zmq::socket_type::dealer);
  smith.set(zmq::sockopt::linger, 0);
  smith.connect(hills);
  const auto replica = make_replica("Smith", {"Hill"}, 2);
  Hello hello;
  hello.herd = "herd";
  hello.node = "Smith";
  hello.incarnation = 2;
  hello.feed_id = 3;
  const auto send = [&](const std::string& header) {
    const Checksum checksum = checksum_of(header, std::nullopt);
    (void)smith.send(zmq::buffer(header), zmq::send_flags::sndmore);
    (void)smith.send(zmq::buffer(checksum), zmq::send_flags::none);
  };
  send(encode(hello));
  constexpr int kPings = 2000;
  for (int i = 0; i < kPings; ++i) send("\x91\x7f");
  const Nanoseconds end = real_time().steady + 10s;
  while (hill.replica->counters().messages_unknown < kPings && real_time().steady < end) hill.pumped->run_once();
  CHECK(hill.replica->counters().messages_unknown == kPings);
  hill.pumped.reset();
  close(listener);
}

TEST_CASE("a signal to the process does not disturb a loop iteration") {
  static volatile std::sig_atomic_t signals = 0;
  Herd herd;
  struct sigaction action {};
  struct sigaction before {};
  action.sa_handler = [](int) { signals = signals + 1; };
  REQUIRE(sigaction(SIGALRM, &action, &before) == 0);
  constexpr itimerval kOften{{0, 30}, {0, 30}};
  REQUIRE(setitimer(ITIMER_REAL, &kOften, nullptr) == 0);
  int number = 0;
  const bool done = herd.until([&] {
    report(herd.hill(), "client" + std::to_string(++number));
    return signals > 20'000;
  });
  constexpr itimerval kNever{};
  setitimer(ITIMER_REAL, &kNever, nullptr);
  sigaction(SIGALRM, &before, nullptr);
  CHECK(done);
  CHECK(herd.until_equal());
}

TEST_CASE("an idle bus waits and does not spin") {
  Herd herd;
  REQUIRE(herd.until_equal());
  int iterations = 0;
  const Nanoseconds end = real_time().steady + 1s;
  while (real_time().steady < end) {
    herd.hill().pumped->run_once(1000ms);
    ++iterations;
  }
  CHECK(iterations < 100);
}
