#include "bus/replica/node_reports.hpp"

#include "protocol/limits.hpp"
#include "tests/bus/two_replicas.hpp"
#include "tests/catch.hpp"

using namespace herd::bus;
using namespace herd::protocol;

namespace {

constexpr Now at(Nanoseconds steady) {
  return {steady, {}};
}

NodeReport report(std::string node, std::uint64_t uptime_ms, std::uint64_t age_ms = 0, std::uint64_t incarnation = 7) {
  NodeReport made;
  made.node = std::move(node);
  made.incarnation = incarnation;
  made.uptime_ms = uptime_ms;
  made.age_ms = age_ms;
  return made;
}

// Gives both replicas reports.
struct Reporting {
  NodeReports hills{"Hill"};
  NodeReports smiths{"Smith"};

  explicit Reporting(TwoReplicas& two) {
    two.hill = make_replica("Hill", {"Smith"}, 1, {}, &hills);
    two.smith = make_replica("Smith", {"Hill"}, 2, {}, &smiths);
  }
};

}  // namespace

TEST_CASE("a node gives each peer its own report and those of others, with their present ages") {
  NodeReports hill("Hill");
  hill.set_own(report("anything", 5'000), at(100s));
  hill.receive({report("Jaquez", 9'000, 1'500)}, "Jaquez", at(100s));
  CHECK(hill.for_peer("Smith", at(101s)) == std::vector{report("Hill", 5'000, 1'000), report("Jaquez", 9'000, 2'500)});
  CHECK(hill.for_peer("Jaquez", at(101s)) == std::vector{report("Hill", 5'000, 1'000)});
  CHECK(hill.of_others(at(101s)) == std::vector{report("Jaquez", 9'000, 2'500)});
}

TEST_CASE("a report does not go back to the peer that sent it") {
  NodeReports hill("Hill");
  hill.receive({report("Campbell", 9'000)}, "Smith", at(100s));
  CHECK(hill.for_peer("Smith", at(100s)).empty());
  CHECK(hill.for_peer("Jaquez", at(100s)).size() == 1);
}

TEST_CASE("the newest report of a node counts, on whichever path it comes") {
  NodeReports hill("Hill");
  hill.receive({report("Campbell", 9'000, 100)}, "Smith", at(100s));
  hill.receive({report("Campbell", 8'000, 0)}, "Jaquez", at(100s));
  hill.receive({report("Campbell", 9'000, 0)}, "Jaquez", at(100s));  // the same on a longer path
  CHECK(hill.of_others(at(100s)) == std::vector{report("Campbell", 9'000, 100)});
  hill.receive({report("Campbell", 10'000, 50)}, "Jaquez", at(100s));
  CHECK(hill.of_others(at(100s)) == std::vector{report("Campbell", 10'000, 50)});
}

TEST_CASE("a node that has started again is known by its younger report, although its uptime is less") {
  NodeReports hill("Hill");
  hill.receive({report("Smith", 900'000, 0, 7)}, "Smith", at(100s));
  hill.receive({report("Smith", 10, 2'000, 8)}, "Smith", at(101s));  // older than the one that is known
  CHECK(hill.of_others(at(101s))[0].incarnation == 7);
  hill.receive({report("Smith", 1'010, 500, 8)}, "Smith", at(101s));
  CHECK(hill.of_others(at(101s))[0].incarnation == 8);
}

TEST_CASE("a report about this node itself is ignored") {
  NodeReports hill("Hill");
  hill.receive({report("Hill", 9'000)}, "Smith", at(100s));
  CHECK(hill.of_others(at(100s)).empty());
  CHECK(hill.for_peer("Jaquez", at(100s)).empty());
}

TEST_CASE("a report is forgotten after its life, so reports of stopped nodes do not circulate") {
  NodeReports hill("Hill");
  hill.receive({report("Smith", 9'000, 10'000)}, "Smith", at(100s));
  CHECK(hill.of_others(at(100s)).size() == 1);
  CHECK(hill.of_others(at(120s - 1ns)).size() == 1);
  CHECK(hill.of_others(at(120s)).empty());
  CHECK(hill.for_peer("Jaquez", at(120s)).empty());
  for (const std::uint64_t age : {std::uint64_t{30'000}, UINT64_MAX}) {
    hill.receive({report("Smith", 10'000, age)}, "Smith", at(200s));
    CHECK(hill.of_others(at(200s)).empty());
  }
  hill.receive({report("Smith", 10'000, 29'999)}, "Smith", at(200s));
  CHECK(hill.of_others(at(200s)).size() == 1);
}

TEST_CASE("whatever peers report, no more nodes are known than a herd has") {
  NodeReports hill("Hill");
  std::vector<NodeReport> many;
  for (std::size_t i = 0; i < 2 * kMaxNodes; ++i) many.push_back(report("n" + std::to_string(i), 1));
  hill.receive(many, "Smith", at(100s));
  CHECK(hill.of_others(at(100s)).size() == kMaxNodes - 1);
  hill.set_own(report("Hill", 1), at(100s));
  CHECK(hill.for_peer("Jaquez", at(100s)).size() == kMaxNodes);
  hill.receive({report("late", 1)}, "Smith", at(130s));  // the others are forgotten
  CHECK(hill.of_others(at(130s)).size() == 1);
}

TEST_CASE("two replicas know each other's report within two seconds, by the PONGs that they send anyway") {
  TwoReplicas two;
  Reporting reporting(two);
  reporting.hills.set_own(report("Hill", 1'000), two.now);
  std::size_t messages_with_reports = 0;
  two.tamper = [&](const Message& message, Outgoing&) {
    const auto* pong = std::get_if<Pong>(&message);
    if (pong != nullptr && !pong->reports.empty()) ++messages_with_reports;
  };
  REQUIRE(two.advance(2s));
  REQUIRE(reporting.smiths.of_others(two.now).size() == 1);
  CHECK(reporting.smiths.of_others(two.now)[0].node == "Hill");
  CHECK(reporting.hills.of_others(two.now).empty());
  messages_with_reports = 0;
  REQUIRE(two.advance(10s));
  CHECK(messages_with_reports > 0);
  CHECK(messages_with_reports <= 11);  // one a second
}

TEST_CASE("a peer of the release before, of which the PONG has no reports, is as well as ever") {
  TwoReplicas two;
  Reporting reporting(two);
  reporting.hills.set_own(report("Hill", 1'000), two.now);
  reporting.smiths.set_own(report("Smith", 1'000), two.now);
  two.tamper = [](const Message& message, Outgoing& outgoing) {
    if (const auto* pong = std::get_if<Pong>(&message)) outgoing.header = encode(Pong{pong->nonce, pong->clock});
  };
  REQUIRE(two.advance(5s));
  CHECK(two.hill->connected(0, two.now) == Connected::Up);
  CHECK(reporting.hills.of_others(two.now).empty());
  CHECK(two.hill->counters().messages_refused == 0);
}
