// The replies of all connections hold a bounded amount of memory, and a client that reads is always served.
#include "node/clients/reply_memory.hpp"

#include <memory>
#include <string>
#include <vector>

#include "node/clients/session.hpp"
#include "tests/catch.hpp"
#include "tests/node/one_session.hpp"

using namespace herd::node;

namespace {

// The bound is small, so that a few sessions reach it.
constexpr std::size_t kMost = std::size_t{4} * 1024 * 1024;
const std::string kWhatsat = "WHATSAT kiwi 10 5\n";
const std::string kPlaces(20'000, 'p');  // a document of the usual size
const std::string kLine = std::string(1000, 'x') + "\n";

struct Crowd : OneSession {
  ReplyMemory small{kMost};
  Session::Parts scarce{commands, node.config, node.counters, warnings, node.clock,
                        buffers,  small,       authenticator, figures,  kHttpAnswer};
  std::vector<std::unique_ptr<Session>> sessions;

  Session& join() {
    return *sessions.emplace_back(std::make_unique<Session>(scarce, "127.0.0.1:2", Session::Origin()));
  }

  // Sends this line while the session reads, takes no reply, and answers its lookups.
  void fill(Session& of, const std::string& line) {
    for (bool goes_on = true; goes_on;) {
      goes_on = of.wants_bytes();
      if (goes_on) send(of, repeated(line, small.read_bytes() / line.size()));
      for (const Lookup& lookup : of.take_outstanding().lookups) {
        of.answer(lookup.slot, kPlaces);
        goes_on = true;
      }
    }
  }
};

}  // namespace

TEST_CASE("the bytes of all connections are summed up, and the limit falls in two steps") {
  ReplyMemory memory(1000);
  std::uint32_t one = 0;
  std::uint32_t two = 0;
  CHECK(memory.limit() == kMaxOutputBytes);
  CHECK(memory.read_bytes() == kReadBufferBytes);
  memory.change(one, 300);
  memory.change(two, 199);
  CHECK(memory.total() == 499);
  CHECK(memory.limit() == kMaxOutputBytes);
  memory.change(two, 200);
  CHECK(memory.limit() == kScarceOutputBytes);
  CHECK(memory.read_bytes() == kScarceReadBytes);
  memory.change(one, 799);
  CHECK(memory.limit() == kScarceOutputBytes);
  memory.change(one, 800);
  CHECK(memory.limit() == 0);
  memory.change(one, 0);
  memory.change(two, 0);
  CHECK(memory.total() == 0);
  CHECK(memory.limit() == kMaxOutputBytes);
}

TEST_CASE("any number of clients that do not read hold at most the bound and one step each") {
  Crowd crowd;
  crowd.send(kIamat + "\n");
  constexpr std::size_t kSessions = 400;
  for (std::size_t i = 0; i < kSessions; ++i) {
    crowd.fill(crowd.join(), i % 2 == 0 ? kWhatsat : kLine);
    REQUIRE(crowd.small.total() <= kMost + kMaxOutputBytes + (i + 1) * (kScarceOutputBytes + kScarceReadBytes));
  }
  CHECK(crowd.small.total() > kMost);
  CHECK(crowd.node.counters.clients_output_held > kSessions / 2);
  crowd.sessions.clear();
  CHECK(crowd.small.total() == 0);
}

TEST_CASE(
    "a client that reads is answered while others hold all the memory, and these get all replies when they read") {
  Crowd crowd;
  crowd.send(kIamat + "\n");
  for (int i = 0; i < 200; ++i) crowd.fill(crowd.join(), kWhatsat);
  REQUIRE(crowd.small.limit() == 0);
  Session good(crowd.scarce, "127.0.0.1:3", {});
  for (int i = 0; i < 100; ++i) {
    crowd.send(good, "foo\n" + kWhatsat + "bar\n");
    CHECK(crowd.take_output(good) == "? foo\n");
    good.answer(good.take_outstanding().lookups.at(0).slot, kPlaces);
    CHECK(crowd.take_output(good) == kAt + kPlaces + "\n\n? bar\n");
    REQUIRE(good.wants_bytes());
  }
  crowd.send(good, repeated("foo\n", 500));
  CHECK(crowd.take_output(good) == repeated("? foo\n", 500));
  crowd.send(good, repeated(kWhatsat, 20));
  std::string received;
  while (true) {
    const auto lookups = good.take_outstanding().lookups;
    if (lookups.empty()) break;
    CHECK(lookups.size() == 1);  // a step at a time
    good.answer(lookups[0].slot, kPlaces);
    received += crowd.take_output(good);
  }
  CHECK(received == repeated(kAt + kPlaces + "\n\n", 20));

  for (const auto& session : crowd.sessions) {
    std::string all;
    for (bool goes_on = true; goes_on;) {
      all += crowd.take_output(*session);
      const auto lookups = session->take_outstanding().lookups;
      for (const Lookup& lookup : lookups) session->answer(lookup.slot, kPlaces);
      goes_on = !lookups.empty();
    }
    REQUIRE(session->wants_bytes());
    REQUIRE(all.size() % (kAt.size() + kPlaces.size() + 2) == 0);
  }
  CHECK(crowd.small.total() == 0);
}

TEST_CASE("a pending lookup counts as its document") {
  Crowd crowd;
  crowd.send(kIamat + "\n");
  Session& session = crowd.join();
  crowd.send(session, repeated(kWhatsat, 10));
  CHECK(crowd.small.total() >= 10 * kLookupBytes);
  CHECK(session.wants_bytes());
  for (const Lookup& lookup : session.take_outstanding().lookups) session.answer(lookup.slot, "{}");
  CHECK(crowd.small.total() < kLookupBytes);
  CHECK_FALSE(crowd.take_output(session).empty());
  CHECK(crowd.small.total() == 0);
}
