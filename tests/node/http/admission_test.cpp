#include "node/http/admission.hpp"

#include <vector>

#include "tests/catch.hpp"

namespace herd::node::http {
namespace {

using std::chrono::seconds;

asio::ip::address address(const char* text) {
  return asio::ip::make_address(text);
}

// A connection that has waited since that second.
Occupant occupant(const char* group, int since, bool can_be_evicted = true) {
  return {address(group), can_be_evicted, std::chrono::steady_clock::time_point(seconds(since))};
}

constexpr Capacity kCapacity{.connections = 5, .connections_an_address = 3};

TEST_CASE("loopback is one address, a /64 is one, and a mapped address is what it maps") {
  CHECK(group_of(address("127.0.0.1")) == group_of(address("127.9.9.9")));
  CHECK(group_of(address("127.0.0.1")) == group_of(address("::1")));
  CHECK(group_of(address("::ffff:127.0.0.1")) == group_of(address("127.0.0.1")));
  CHECK(group_of(address("::ffff:192.0.2.7")) == address("192.0.2.7"));
  CHECK(group_of(address("192.0.2.7")) != group_of(address("192.0.2.8")));
  CHECK(group_of(address("2001:db8::1")) == group_of(address("2001:db8::ffff:2")));
  CHECK(group_of(address("2001:db8::1")) != group_of(address("2001:db8:0:1::1")));
}

TEST_CASE("below both bounds every connection is admitted, and none is closed") {
  const std::vector occupants{occupant("192.0.2.1", 1), occupant("192.0.2.1", 2), occupant("192.0.2.2", 3)};
  const auto admission = admit(address("192.0.2.1"), occupants, kCapacity);
  CHECK(admission.is_admitted);
  CHECK_FALSE(admission.to_evict);
}

TEST_CASE("at the bound per address the longest waiting connection of that address is evicted") {
  const std::vector occupants{occupant("192.0.2.2", 0), occupant("192.0.2.1", 3), occupant("192.0.2.1", 1),
                              occupant("192.0.2.1", 2)};
  const auto admission = admit(address("192.0.2.1"), occupants, kCapacity);
  CHECK(admission.is_admitted);
  CHECK(admission.to_evict == 2u);
}

TEST_CASE(
    "at the bound of all a connection of the address with the most connections is evicted, also for that address "
    "itself") {
  const std::vector occupants{occupant("192.0.2.2", 0), occupant("192.0.2.2", 1), occupant("192.0.2.1", 4),
                              occupant("192.0.2.1", 2), occupant("192.0.2.1", 3)};
  CHECK(admit(address("192.0.2.3"), occupants, kCapacity).to_evict == 3u);
  CHECK(admit(address("192.0.2.2"), occupants, kCapacity).to_evict == 3u);
  CHECK(admit(address("192.0.2.1"), occupants, kCapacity).to_evict == 3u);
}

TEST_CASE("of addresses with equally many connections the longest waiting connection is evicted") {
  const std::vector occupants{occupant("192.0.2.1", 5), occupant("192.0.2.2", 2), occupant("192.0.2.3", 4),
                              occupant("192.0.2.4", 1), occupant("192.0.2.5", 3)};
  CHECK(admit(address("192.0.2.6"), occupants, kCapacity).to_evict == 3u);
}

TEST_CASE("a connection that cannot be evicted stays, and if none can be, the new one is not admitted") {
  std::vector occupants{occupant("192.0.2.1", 1, false), occupant("192.0.2.1", 3), occupant("192.0.2.1", 2, false)};
  CHECK(admit(address("192.0.2.1"), occupants, kCapacity).to_evict == 1u);
  occupants[1].can_be_evicted = false;
  CHECK_FALSE(admit(address("192.0.2.1"), occupants, kCapacity).is_admitted);
  CHECK(admit(address("192.0.2.2"), occupants, kCapacity).is_admitted);
  occupants.push_back(occupant("192.0.2.2", 1, false));
  occupants.push_back(occupant("192.0.2.3", 1));
  CHECK(admit(address("192.0.2.4"), occupants, kCapacity).to_evict == 4u);
  occupants[4].can_be_evicted = false;
  CHECK_FALSE(admit(address("192.0.2.4"), occupants, kCapacity).is_admitted);
}

TEST_CASE("it is the turn of the longest waiting connection of an address with fewest of them") {
  CHECK(next_in_turn(std::vector{occupant("192.0.2.1", 1)}) == 0);
  CHECK(next_in_turn(std::vector{occupant("192.0.2.1", 3), occupant("192.0.2.1", 1), occupant("192.0.2.1", 2)}) == 1);
  std::vector waiting{occupant("192.0.2.1", 1), occupant("192.0.2.2", 9), occupant("192.0.2.1", 2)};
  CHECK(next_in_turn(waiting) == 1);
  waiting.push_back(occupant("192.0.2.2", 8));
  CHECK(next_in_turn(waiting) == 0);
  waiting.push_back(occupant("192.0.2.3", 10));
  CHECK(next_in_turn(waiting) == 4);
}

}  // namespace
}  // namespace herd::node::http
