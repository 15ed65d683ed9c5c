#include "node/clients/command_figures.hpp"

#include <string>

#include "tests/catch.hpp"
#include "tests/node/one_session.hpp"

using namespace herd::node;
using namespace std::chrono_literals;

namespace {

struct Timed : OneSession {
  Timed() { node.clock.stopped().steady = 1s; }

  // The count of a command's result.
  std::uint64_t of(std::string_view command, CommandResult result) const {
    for (std::size_t i = 0; i < kCommandList.size(); ++i) {
      if (kCommandList[i].name == command) return figures.counts.of(i, static_cast<std::size_t>(result));
    }
    return figures.counts.unknown();
  }
  void end_iteration(herd::protocol::Nanoseconds now) {
    figures.times.end_iteration(now);
    node.clock.stopped().steady = now;
  }
  std::uint64_t answered_within(herd::protocol::Nanoseconds bound) const {
    std::uint64_t count = 0;
    const auto& histogram = figures.times.histogram();
    for (std::size_t i = 0; i < histogram.kBounds.size() && histogram.kBounds[i] <= bound; ++i) {
      count += histogram.buckets()[i];
    }
    return count;
  }
};

}  // namespace

TEST_CASE("each command is counted once with its result") {
  Timed client;
  client.node.config.invalid_arguments = InvalidArgumentsPolicy::Drop;
  client.send(
      "IAMAT kiwi +1+2 5\nIAMAT kiwi +1+2 5\nIAMAT kiwi +1+2\nIAMAT kiwi +91+2 6\nWHATSAT kiwi 99 1\nWHEREIS kiwi\n"
      "WHEREIS emu\nNEAR +1+2 x 5\nPING\n\n  \nHELP\nfoo\n");
  CHECK(client.of("IAMAT", CommandResult::Answered) == 2);
  CHECK(client.of("IAMAT", CommandResult::Invalid) == 1);
  CHECK(client.of("WHATSAT", CommandResult::Invalid) == 1);
  CHECK(client.of("WHEREIS", CommandResult::Answered) == 1);
  CHECK(client.of("WHEREIS", CommandResult::Refused) == 1);
  CHECK(client.of("NEAR", CommandResult::Invalid) == 1);
  CHECK(client.of("PING", CommandResult::Answered) == 1);
  CHECK(client.of("HELP", CommandResult::Answered) == 1);
  CHECK(client.of("unknown", CommandResult::Unknown) == 2);
  client.send("QUIT\n");
  CHECK(client.of("QUIT", CommandResult::Answered) == 1);
}

TEST_CASE("a command of this release is unknown where only the first two are commands") {
  Timed client;
  client.node.config.commands = CommandSet::Seed;
  client.send("PING\n");
  CHECK(client.of("PING", CommandResult::Answered) == 0);
  CHECK(client.of("unknown", CommandResult::Unknown) == 1);
}

TEST_CASE("a command takes until the end of the iteration that answers it") {
  Timed client;
  client.send("IAMAT kiwi +1+2 5\nPING\n\n");
  CHECK(client.figures.times.has_answered());
  client.end_iteration(1s + 90us);
  CHECK(!client.figures.times.has_answered());
  CHECK(client.answered_within(100us) == 2);
  client.send("PING\n");
  client.end_iteration(1s + 90us + 5ms);
  CHECK(client.answered_within(2500us) == 2);
  CHECK(client.answered_within(5ms) == 3);
}

TEST_CASE("a command that waits for its places takes until they have come, and so do those after it") {
  Timed client;
  client.send("IAMAT kiwi +1+2 5\nWHATSAT kiwi 10 5\n");
  const auto begun = client.session.take_outstanding();
  REQUIRE(begun.lookups.size() == 1);
  client.end_iteration(1s + 90us);
  CHECK(client.answered_within(60s) == 1);
  client.send("PING\n");
  client.end_iteration(1s + 200ms);
  CHECK(client.answered_within(60s) == 1);
  client.session.answer(begun.lookups.front().slot, "{}");
  client.end_iteration(1s + 400ms);
  CHECK(client.answered_within(250ms) == 1);
  CHECK(client.answered_within(500ms) == 3);
}

TEST_CASE("commands that came in many iterations and are answered in one are all counted") {
  CommandTimes times;
  for (std::size_t i = 0; i < CommandTimes::kMost + 10; ++i) times.answered(std::chrono::milliseconds(i), 2);
  times.end_iteration(1s);
  std::uint64_t count = 0;
  for (const std::uint64_t bucket : times.histogram().buckets()) count += bucket;
  CHECK(count == 2 * (CommandTimes::kMost + 10));
}
