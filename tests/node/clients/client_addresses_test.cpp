#include "node/clients/client_addresses.hpp"

#include <array>
#include <string>

#include "tests/catch.hpp"

using namespace herd::node;
using Member = ClientAddresses::Member;

namespace {

asio::ip::address address(const std::string& text) {
  return asio::ip::make_address(text);
}

}  // namespace

TEST_CASE("connections are counted for each IPv4 address, also for one that reaches an IPv6 socket") {
  ClientAddresses addresses;
  std::array<Member, 3> members;
  addresses.add(members[0], address("192.0.2.1"));
  addresses.add(members[1], address("::ffff:192.0.2.1"));
  addresses.add(members[2], address("192.0.2.2"));
  CHECK(addresses.connections_of(address("192.0.2.1")) == 2);
  CHECK(addresses.connections_of(address("::ffff:192.0.2.2")) == 1);
  CHECK(addresses.connections_of(address("192.0.2.3")) == 0);
  CHECK(members[0].address == members[1].address);
}

TEST_CASE("IPv6 addresses count by /64") {
  ClientAddresses addresses;
  std::array<Member, 3> members;
  addresses.add(members[0], address("2001:db8:0:1::1"));
  addresses.add(members[1], address("2001:db8:0:1:ffff:ffff:ffff:ffff"));
  addresses.add(members[2], address("2001:db8:0:2::1"));
  CHECK(addresses.connections_of(address("2001:db8:0:1::2")) == 2);
  CHECK(addresses.connections_of(address("2001:db8:0:2::2")) == 1);
  CHECK(addresses.connections_of(address("::1")) == 0);
}

TEST_CASE("the newest connection of the address with most connections makes room for an address with fewer") {
  ClientAddresses addresses;
  std::array<Member, 5> members;
  CHECK(addresses.to_displace_for(address("192.0.2.9")) == nullptr);
  for (std::size_t i = 0; i < 3; ++i) addresses.add(members[i], address("192.0.2.1"));
  addresses.add(members[3], address("192.0.2.2"));
  CHECK(addresses.to_displace_for(address("192.0.2.9")) == &members[2]);
  CHECK(addresses.to_displace_for(address("192.0.2.2")) == &members[2]);
  CHECK(addresses.to_displace_for(address("192.0.2.1")) == nullptr);
  addresses.add(members[4], address("192.0.2.2"));
  CHECK(addresses.to_displace_for(address("192.0.2.2")) == nullptr);  // it would then have as many
  CHECK(addresses.to_displace_for(address("192.0.2.9")) == &members[2]);
}

TEST_CASE("addresses with one connection each refuse every further one") {
  ClientAddresses addresses;
  std::array<Member, 2> members;
  addresses.add(members[0], address("192.0.2.1"));
  addresses.add(members[1], address("192.0.2.2"));
  CHECK(addresses.to_displace_for(address("192.0.2.3")) == nullptr);
  CHECK(addresses.to_displace_for(address("192.0.2.1")) == nullptr);
}

TEST_CASE("connections may leave in any order, and the newest of those that stay is the next to go") {
  ClientAddresses addresses;
  std::array<Member, 5> members;
  for (Member& member : members) addresses.add(member, address("192.0.2.1"));
  addresses.remove(members[4]);
  CHECK(addresses.to_displace_for(address("192.0.2.9")) == &members[3]);
  addresses.remove(members[2]);
  addresses.remove(members[0]);
  CHECK(members[0].address == nullptr);
  CHECK(addresses.to_displace_for(address("192.0.2.9")) == &members[3]);
  addresses.remove(members[3]);
  CHECK(addresses.connections_of(address("192.0.2.1")) == 1);
  CHECK(addresses.to_displace_for(address("192.0.2.9")) == nullptr);
  addresses.add(members[0], address("192.0.2.1"));
  CHECK(addresses.to_displace_for(address("192.0.2.9")) == &members[0]);
  addresses.remove(members[0]);
  addresses.remove(members[1]);
  CHECK(addresses.connections_of(address("192.0.2.1")) == 0);
}
