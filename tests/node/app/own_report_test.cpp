#include "node/app/own_report.hpp"

#include "tests/bus/two_replicas.hpp"
#include "tests/catch.hpp"

namespace herd::node {
namespace {

using namespace std::chrono_literals;
using protocol::Nanoseconds;
using protocol::Now;

constexpr Now at(Nanoseconds steady) {
  return {steady, {}};
}

// Hill's reports, and the one that a peer gets.
struct Hill {
  bus::NodeReports reports{"Hill"};
  OwnReport own{reports};

  [[nodiscard]] protocol::NodeReport sent(Now now) const {
    const auto all = reports.for_peer("Smith", now);
    REQUIRE(all.size() == 1);
    return all[0];
  }
};

TEST_CASE("a node's own report has its figures") {
  Hill hill;
  const auto replica = bus::make_replica("Hill", {"Smith", "Jaquez"}, 3);
  REQUIRE(accept(*replica, "kiwi", "5", bus::kStart).result == bus::Accepted::Stored);
  hill.own.set(*replica, {61'500ms, true, 1}, bus::kStart);
  const protocol::NodeReport report = hill.sent(bus::kStart);
  CHECK(report.node == "Hill");
  CHECK(report.incarnation == 3);
  CHECK(report.uptime_ms == 61'500);
  CHECK(report.age_ms == 0);
  CHECK(report.ready);
  CHECK(report.clients == 1);
  CHECK(report.digest == replica->store().digest());
  CHECK(report.peers_up == 0);
  CHECK(report.peers == 2);
  CHECK(report.updates_per_s == 0);  // there is no second before
}

TEST_CASE("a report is made once per second, with the updates of the time since the last one") {
  Hill hill;
  const auto replica = bus::make_replica("Hill", {"Smith"}, 3);
  CHECK(hill.own.is_due(at(100s)));
  hill.own.set(*replica, {1s, true, 1'000}, at(100s));
  CHECK_FALSE(hill.own.is_due(at(101s - 1ns)));
  CHECK(hill.own.is_due(at(101s)));
  hill.own.set(*replica, {3s, true, 1'500}, at(102s));  // the loop was late
  CHECK(hill.sent(at(102s)).updates_per_s == 250);
}

}  // namespace
}  // namespace herd::node
