// One name, two processes, over real sockets on the loopback interface: how a ROUTER reports closed connections.
#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "bus/zmq/checksum.hpp"
#include "bus/zmq/zmq_options.hpp"
#include "tests/bus/pumped_bus.hpp"
#include "tests/bus/two_replicas.hpp"
#include "tests/catch.hpp"

using namespace herd::bus;
using namespace herd::protocol;

namespace {

// A process with its own ZeroMQ context, so that ending it closes all its connections.
struct Process {
  std::unique_ptr<Replica> replica;
  std::unique_ptr<zmq::context_t> context = std::make_unique<zmq::context_t>();
  std::unique_ptr<PumpedBus> pumped;  // nullptr: the process has ended
  std::vector<NameConflict> conflicts;

  Process(const std::string& name, const std::string& peer, std::uint64_t incarnation, const std::string& bind,
          const std::string& peer_address) {
    Replica::Options options{{"herd", name, incarnation, incarnation, bind}, {peer}, {}, 1};
    options.jitter_seed = incarnation;
    options.name_wait = kNameWait;
    replica = std::make_unique<Replica>(options);
    for (const Nanoseconds end = real_time().steady + 10s; !pumped && real_time().steady < end;) {
      pumped = PumpedBus::open(*context, {{bind}, {peer_address}}, *replica);  // a former socket may still hold it
    }
    REQUIRE(pumped);
  }
  void end() {
    pumped.reset();
    context.reset();
    replica.reset();
  }
  void run_once() {
    if (!pumped) return;
    pumped->run_once();
    for (const NameConflict& conflict : replica->take_events().conflicts) conflicts.push_back(conflict);
  }
  [[nodiscard]] Connected link() const { return replica->peer_status(0, real_time()).state; }
};

template <typename Condition>
bool until(const std::vector<Process*>& processes, Condition holds) {
  const Nanoseconds end = real_time().steady + 20s;
  while (!holds()) {
    if (real_time().steady > end) return false;
    for (Process* process : processes) process->run_once();
  }
  return true;
}

TEST_CASE(
    "over real sockets a second process is refused, reported by all three, and a third accepted after the first") {
  const std::string hills = free_address();
  const std::string smiths = free_address();
  const std::string twins = free_address();
  Process smith("Smith", "Hill", 2, smiths, hills);
  Process hill("Hill", "Smith", 1, hills, smiths);
  const auto is_up = [&] { return smith.link() == Connected::Up; };
  REQUIRE(until({&smith, &hill}, [&] { return is_up() && hill.link() == Connected::Up; }));
  Process twin("Hill", "Smith", 3, twins, smiths);
  bool flapped = false;
  REQUIRE(until({&smith, &hill, &twin}, [&] {
    flapped = flapped || !is_up() || twin.replica->may_acknowledge();
    return !smith.conflicts.empty() && !hill.conflicts.empty() && !twin.conflicts.empty();
  }));
  CHECK_FALSE(flapped);
  CHECK(smith.conflicts[0].holder == Claimant{1, hills, "127.0.0.1"});
  CHECK(smith.conflicts[0].other == Claimant{3, twins, "127.0.0.1"});
  CHECK(hill.conflicts[0].role == NameConflict::Role::Kept);
  CHECK(hill.conflicts[0].other == Claimant{3, twins, "127.0.0.1"});
  CHECK(twin.conflicts[0].role == NameConflict::Role::Refused);
  CHECK(twin.conflicts[0].other == Claimant{1, hills, "127.0.0.1"});

  hill.end();
  Process moved("Hill", "Smith", 4, hills, smiths);  // it has the configured address
  CHECK(until({&smith, &twin, &moved}, [&] { return is_up() && moved.replica->may_acknowledge(); }));
  CHECK(smith.replica->peer_status(0, real_time()).state == Connected::Up);
}

TEST_CASE("a process that starts again is not taken for a second one") {
  const std::string hills = free_address();
  const std::string smiths = free_address();
  Process smith("Smith", "Hill", 2, smiths, hills);
  std::uint64_t incarnation = 10;
  for (int i = 0; i < 10; ++i) {
    Process hill("Hill", "Smith", incarnation++, hills, smiths);
    REQUIRE(until({&smith, &hill}, [&] {
      return smith.link() == Connected::Up && hill.link() == Connected::Up && hill.replica->may_acknowledge();
    }));
    hill.end();
  }
  CHECK(smith.conflicts.empty());
}

// Not a node but a ROUTER of the test listens at the peer's address, and sends other messages to the DEALER.
TEST_CASE("messages that come back and are no CONFLICT are dropped, however many they are") {
  const std::string hills = free_address();
  const std::string smiths = free_address();
  zmq::context_t context;
  zmq::socket_t router(context, zmq::socket_type::router);
  router.set(zmq::sockopt::linger, 0);
  router.set(zmq::sockopt::router_mandatory, true);
  router.bind(smiths);
  Process hill("Hill", "Smith", 1, hills, smiths);
  std::string route;  // of the DEALER's present connection; without answers it is replaced after 5 s
  const auto send = [&](const std::vector<std::string>& frames) {
    for (zmq::message_t frame; router.recv(frame, zmq::recv_flags::dontwait);) {
      route = frame.to_string();
      while (frame.more()) (void)router.recv(frame);
    }
    try {
      if (!router.send(zmq::buffer(route), zmq::send_flags::sndmore | zmq::send_flags::dontwait)) return false;
      for (std::size_t i = 0; i < frames.size(); ++i) {
        const auto more = i + 1 < frames.size() ? zmq::send_flags::sndmore : zmq::send_flags::none;
        (void)router.send(zmq::buffer(frames[i]), more | zmq::send_flags::dontwait);
      }
      return true;
    } catch (const zmq::error_t&) {
      return false;  // that connection is closed
    }
  };
  // Sends the frames until the counter rises. They may be lost with their connection, so they are sent again.
  const auto deliver = [&](const std::vector<std::string>& frames, const std::uint64_t& counter) {
    const std::uint64_t before = counter;
    Nanoseconds again{};
    return until({&hill}, [&] {
      if (real_time().steady >= again && send(frames)) again = real_time().steady + 2s;
      return counter > before;
    });
  };
  const auto with_checksum = [](const std::string& header) {
    const Checksum checksum = checksum_of(header, std::nullopt);
    return std::vector<std::string>{header, std::string(checksum.data(), checksum.size())};
  };
  const auto& counters = hill.replica->counters();
  const std::string refusal = encode(Conflict{{2, 1}, false, 3, "", ""});
  const std::vector<std::vector<std::string>> damaged{
      {refusal}, {refusal, "12345678"}, {refusal, with_checksum(refusal)[1], "more"}, {"a", "b", "c", "d", "e"}, {""}};
  for (const auto& frames : damaged) REQUIRE(deliver(frames, counters.messages_damaged));
  REQUIRE(deliver(with_checksum(encode(Bye{2})), counters.messages_unknown));
  REQUIRE(deliver(with_checksum("\xc1"), counters.messages_refused));
  CHECK_FALSE(hill.replica->name_report(real_time()));
  // As many messages as a second process causes that is refused for an hour.
  REQUIRE(until({&hill}, [&] {
    for (int i = 0; i < 50 && send(with_checksum(encode(Bye{2}))); ++i) {
    }
    return counters.messages_unknown > 5000;
  }));
  CHECK(hill.pumped->bus().counts().cut == 0);
  REQUIRE(until({&hill}, [&] {
    (void)send(with_checksum(refusal));
    return hill.replica->name_report(real_time()).has_value();
  }));
  CHECK_FALSE(hill.replica->may_acknowledge());
}

TEST_CASE("the longest CONFLICT fits what a DEALER accepts") {
  const std::string longest(kMaxAddressBytes, 'a');
  CHECK(encode(Conflict{{UINT64_MAX, UINT64_MAX}, true, UINT64_MAX, longest, longest}).size() <= kMaxBackMessageBytes);
}

}  // namespace
