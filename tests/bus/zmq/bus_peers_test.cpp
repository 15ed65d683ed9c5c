// Peers that come and go, over real buses on the loopback interface.
#include "tests/bus/real_buses.hpp"

using namespace herd::bus;
using namespace herd::bus::real;

namespace {

std::size_t open_descriptors(Node& node) {
  return node.bus().descriptors().size();
}

void remove(Node& node, const std::string& peer) {
  const PeerIndex number = node.replica->peers().number_of(peer).value();
  node.bus().remove_peer(number);
  node.replica->remove_peer(number, real_time());
}

PeerIndex add(Node& node, const std::string& peer, const std::string& address) {
  const PeerIndex number = node.replica->add_peer(peer);
  REQUIRE(node.bus().add_peer(number, address));
  return number;
}

}  // namespace

TEST_CASE("a removed peer's connections are closed at once, and the link comes up again when it is added") {
  Herd herd;
  Node& hill = herd.hill();
  Node& smith = herd.smith();
  report(smith, "kiwi");
  REQUIRE(herd.until_equal());
  const std::size_t descriptors = open_descriptors(smith);
  const std::uint64_t refused = smith.replica->counters().messages_refused;
  remove(smith, "Hill");
  CHECK(open_descriptors(smith) == descriptors - 2);
  CHECK(smith.bus().counts().cut == 0);  // it is no cut to be reported
  REQUIRE(herd.until([&] { return hill.replica->peer_status(0, real_time()).state == Connected::Down; }));
  REQUIRE(herd.until([&] { return smith.replica->counters().messages_refused > refused; }));  // Hill tries again
  report(hill, "emu");
  CHECK(add(smith, "Hill", herd.hills_address()) == 0);
  REQUIRE(herd.until_equal());
  CHECK(smith.replica->find("emu"));
}

TEST_CASE("a peer is dialled at its new address") {
  Herd herd;
  Node& hill = herd.hill();
  REQUIRE(herd.until_equal());
  const auto same = herd.smith().bus().set_address(0, herd.hills_address());
  REQUIRE(same);
  CHECK_FALSE(*same);
  const std::string nowhere = free_address();
  CHECK(herd.smith().bus().set_address(0, nowhere).value());
  REQUIRE(herd.until([&] { return hill.replica->peer_status(0, real_time()).state != Connected::Up; }));
  CHECK(herd.smith().bus().set_address(0, herd.hills_address()).value());
  REQUIRE(herd.until_equal());
}

TEST_CASE("an address that cannot be used adds no connection") {
  Herd herd;
  Node& smith = herd.smith();
  const std::size_t descriptors = open_descriptors(smith);
  const PeerIndex number = smith.replica->add_peer("Jaquez");
  const auto added = smith.bus().add_peer(number, "tcp://nonsense");
  REQUIRE_FALSE(added);
  CHECK(added.error().message.starts_with("bus address tcp://nonsense cannot be used: "));
  CHECK(open_descriptors(smith) == descriptors);
  smith.replica->remove_peer(number, real_time());
  REQUIRE(herd.until_equal());
}
