#include "node/app/descriptor_limit.hpp"

#include <sys/resource.h>

#include "node/base/limits.hpp"
#include "node/observe/monitor_limits.hpp"
#include "tests/catch.hpp"

using namespace herd::node;

TEST_CASE("the soft limit of open files is raised to the hard one") {
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit low{64, before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_NOFILE, &low) == 0);
  const std::size_t descriptors = raise_descriptor_limit();
  rlimit after{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &after) == 0);
  CHECK(after.rlim_cur == before.rlim_max);
  CHECK((before.rlim_max == RLIM_INFINITY || descriptors == before.rlim_max));
  REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
}

TEST_CASE("clients get the descriptors that the node, its peers, HTTP and viewers leave") {
  const auto left = [](DescriptorBudget budget) {
    return budget.descriptors - kReservedDescriptors - budget.peers * kReservedDescriptorsPerPeer -
           viewers_within(budget);
  };
  CHECK(connections_within({10'000, 0}) == left({10'000, 0}) - 625);
  CHECK(connections_within({10'000, 63}) == left({10'000, 63}) - 625);
  CHECK(connections_within({1'000'000, 0}) == left({1'000'000, 0}) - http::kMaxConnections);
}

TEST_CASE("viewers get a part of the descriptors, between a lower and an upper bound") {
  CHECK(viewers_within({50, 0}) == kFewestViewers);
  CHECK(viewers_within({kViewersPart * kFewestViewers, 0}) == kFewestViewers);
  CHECK(viewers_within({1'024, 4}) == 64);
  CHECK(viewers_within({kViewersPart * kMaxViewers, 0}) == kMaxViewers);
  CHECK(viewers_within({1'000'000, 0}) == kMaxViewers);
}

TEST_CASE("fewer descriptors than a node needs to start are an error that names both numbers") {
  CHECK(check_descriptors({kFewestDescriptors + 3 * kReservedDescriptorsPerPeer, 3}));
  const auto checked = check_descriptors({40, 3});
  REQUIRE_FALSE(checked);
  CHECK(checked.error().message ==
        "the limit of open files is 40, and a node with 3 peers needs at least 70, with many clients 1024: raise "
        "the hard limit (ulimit -Hn)");
}

TEST_CASE("the HTTP server has a sixteenth of the descriptors, within bounds, and one address gets fewer") {
  CHECK(http_limits({1'000'000, 3}).connections == http::kMaxConnections);
  CHECK(http_limits({16 * http::kMaxConnections, 3}).connections == http::kMaxConnections);
  CHECK(http_limits({16 * http::kMaxConnections - 1, 3}).connections == http::kMaxConnections - 1);
  CHECK(http_limits({1024, 3}).connections == 64);
  CHECK(http_limits({kFewestDescriptors, 0}).connections == kFewestHttpConnections);
  CHECK(http_limits({1'000'000, 0}).streams == 1000);
  for (const std::size_t descriptors : {std::size_t{1}, kFewestDescriptors, std::size_t{256}, std::size_t{100'000}}) {
    const auto limits = http_limits({descriptors, 0});
    CHECK(limits.connections_an_address < limits.connections);
    CHECK(limits.streams < limits.connections);
  }
}

TEST_CASE("clients get a quarter of the descriptors if there are very few") {
  CHECK(connections_within({kReservedDescriptors, 0}) == kReservedDescriptors / 4);
  CHECK(connections_within({100, 63}) == 25);
}
