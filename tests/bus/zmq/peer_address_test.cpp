#include "bus/zmq/peer_address.hpp"

#include "tests/catch.hpp"

using namespace herd::bus;
using namespace std::chrono_literals;
using herd::protocol::Nanoseconds;
using herd::protocol::Now;

namespace {

constexpr Now at(Nanoseconds steady) {
  return {steady, {}};
}
constexpr Nanoseconds kNever = Nanoseconds::max();
constexpr Nanoseconds kStart = 100s;

HostAnswer found(std::vector<std::string> addresses) {
  return {"smith.example", std::move(addresses), {}};
}
HostAnswer failed(std::string trouble) {
  return {"smith.example", {}, std::move(trouble)};
}

// The address of Smith after its first lookup, with the link not up yet.
PeerAddress resolved(std::vector<std::string> addresses) {
  PeerAddress address("tcp://smith.example:12240");
  REQUIRE(address.update(false, at(kStart)).ask);
  const HostAnswer answer = found(std::move(addresses));
  REQUIRE(address.receive(answer, at(kStart)));
  REQUIRE(address.take_change());
  return address;
}

}  // namespace

TEST_CASE("an IP address is used as it is configured, and is never looked up") {
  for (const std::string text : {"tcp://192.0.2.1:12240", "tcp://[2001:db8::1]:12240", "tcp://127.0.0.1:1;127.0.0.1:2",
                                 "udp://nowhere", "tcp://nowhere"}) {
    const PeerAddress address(text);
    CHECK(address.host().empty());
    CHECK(address.endpoint() == text);
    CHECK(address.due() == kNever);
  }
}

TEST_CASE("a name has no endpoint before its first answer, and the answer is dialled at once") {
  PeerAddress address("tcp://smith.example:12240");
  CHECK(address.host() == "smith.example");
  CHECK(address.endpoint().empty());
  CHECK(address.due() <= kStart);
  const PeerAddress::Step step = address.update(false, at(kStart));
  CHECK(step.ask);
  CHECK_FALSE(step.dial);
  CHECK_FALSE(address.update(false, at(kStart + 1s)).ask);  // one lookup at a time
  CHECK(address.receive(found({"192.0.2.1"}), at(kStart + 1s)));
  CHECK(address.endpoint() == "tcp://192.0.2.1:12240");
  const auto change = address.take_change();
  REQUIRE(change);
  CHECK(change->host == "smith.example");
  CHECK(change->endpoint == "tcp://192.0.2.1:12240");
  CHECK(change->trouble.empty());
  CHECK_FALSE(address.take_change());
}

TEST_CASE("an IPv6 address gets brackets") {
  CHECK(resolved({"2001:db8::1"}).endpoint() == "tcp://[2001:db8::1]:12240");
}

TEST_CASE("while the link is up, nothing is asked, and as soon as it is not, the name is looked up") {
  PeerAddress address = resolved({"192.0.2.1", "192.0.2.2"});
  for (Nanoseconds time = kStart; time < kStart + 60s; time += 1s) {
    const PeerAddress::Step step = address.update(true, at(time));
    CHECK_FALSE(step.ask);
    CHECK_FALSE(step.dial);
  }
  CHECK(address.due() == kNever);
  CHECK(address.update(false, at(kStart + 60s)).ask);
}

TEST_CASE("while the link is not up, the name is looked up every five seconds") {
  PeerAddress address = resolved({"192.0.2.1"});
  CHECK_FALSE(address.update(false, at(kStart + kAskInterval - 1ns)).ask);
  CHECK(address.due() <= kStart + kAskInterval);
  CHECK(address.update(false, at(kStart + kAskInterval)).ask);
  CHECK_FALSE(address.receive(found({"192.0.2.1"}), at(kStart + kAskInterval)));
  CHECK_FALSE(address.take_change());  // nothing changed
  address.ask_soon();                  // the connection was opened again
  CHECK(address.update(false, at(kStart + kAskInterval + 1s)).ask);
}

TEST_CASE("a new address is dialled at once, unless the link is up at the former one") {
  PeerAddress address = resolved({"192.0.2.1"});
  CHECK(address.receive(found({"192.0.2.7"}), at(kStart + 1s)));
  CHECK(address.endpoint() == "tcp://192.0.2.7:12240");
  CHECK(address.take_change()->endpoint == "tcp://192.0.2.7:12240");
  CHECK_FALSE(address.receive(found({"192.0.2.8", "192.0.2.7"}), at(kStart + 1s)));  // among the new ones
  CHECK(address.endpoint() == "tcp://192.0.2.7:12240");
  (void)address.update(true, at(kStart + 2s));
  CHECK_FALSE(address.receive(found({"192.0.2.9"}), at(kStart + 2s)));
  CHECK(address.endpoint() == "tcp://192.0.2.7:12240");
  CHECK_FALSE(address.update(false, at(kStart + 3s)).dial);
  CHECK(address.update(false, at(kStart + 2s + kAddressPatience)).dial);
  CHECK(address.endpoint() == "tcp://192.0.2.9:12240");
}

TEST_CASE("the addresses of a name take turns until the link is up, and the one that works is reported once") {
  PeerAddress address = resolved({"2001:db8::1", "192.0.2.1"});
  CHECK_FALSE(address.update(false, at(kStart + kAddressPatience - 1ns)).dial);
  CHECK(address.due() == kStart + kAddressPatience);
  CHECK(address.update(false, at(kStart + kAddressPatience)).dial);
  CHECK(address.endpoint() == "tcp://192.0.2.1:12240");
  CHECK(address.update(false, at(kStart + 2 * kAddressPatience)).dial);
  CHECK(address.endpoint() == "tcp://[2001:db8::1]:12240");
  CHECK(address.update(false, at(kStart + 3 * kAddressPatience)).dial);
  CHECK_FALSE(address.take_change());  // or a peer that is down would fill the log
  CHECK_FALSE(address.update(true, at(kStart + 3 * kAddressPatience + 1s)).dial);
  CHECK(address.take_change()->endpoint == "tcp://192.0.2.1:12240");
  CHECK_FALSE(address.update(true, at(kStart + 4 * kAddressPatience)).dial);
  CHECK_FALSE(address.take_change());
}

TEST_CASE("the only address is not dialled again and again: libzmq does that itself") {
  PeerAddress address = resolved({"192.0.2.1"});
  for (Nanoseconds time = kStart; time < kStart + 60s; time += 500ms) CHECK_FALSE(address.update(false, at(time)).dial);
}

TEST_CASE("a lookup that fails is reported once, and the known address stays in use") {
  PeerAddress address = resolved({"192.0.2.1"});
  CHECK_FALSE(address.receive(failed("Name or service not known"), at(kStart + 1s)));
  CHECK(address.endpoint() == "tcp://192.0.2.1:12240");
  const auto change = address.take_change();
  REQUIRE(change);
  CHECK(change->trouble == "Name or service not known");
  CHECK(change->endpoint == "tcp://192.0.2.1:12240");
  CHECK_FALSE(address.receive(failed("Temporary failure in name resolution"), at(kStart + 2s)));
  CHECK_FALSE(address.take_change());
  CHECK_FALSE(address.receive(found({"192.0.2.1"}), at(kStart + 3s)));
  CHECK(address.take_change()->trouble.empty());  // it ended
}

TEST_CASE("a lookup that does not end is reported once, and is not repeated before its answer") {
  PeerAddress address("tcp://smith.example:12240");
  REQUIRE(address.update(false, at(kStart)).ask);
  CHECK(address.due() == kStart + kAddressPatience);
  (void)address.update(false, at(kStart + kAnswerPatience - 1ns));
  CHECK_FALSE(address.take_change());
  CHECK_FALSE(address.update(false, at(kStart + kAnswerPatience)).ask);
  CHECK(address.take_change()->trouble == "the resolver of this host does not answer");
  for (Nanoseconds time = kStart + kAnswerPatience; time < kStart + 60s; time += 1s) {
    CHECK_FALSE(address.update(false, at(time)).ask);
    CHECK(address.due() > time);
  }
  CHECK_FALSE(address.receive(failed("Temporary failure in name resolution"), at(kStart + 60s)));
  CHECK_FALSE(address.take_change());
  CHECK(address.update(false, at(kStart + 60s + kAskInterval)).ask);
}

TEST_CASE("of a name with very many addresses, the first ones are used") {
  std::vector<std::string> many;
  for (int i = 0; i < 100; ++i) many.push_back("192.0.2." + std::to_string(i));
  PeerAddress address = resolved(many);
  for (std::size_t turn = 1; turn <= kMaxAddressesOfName; ++turn) {
    CHECK(address.update(false, at(kStart + static_cast<int>(turn) * kAddressPatience)).dial);
  }
  CHECK(address.endpoint() == "tcp://192.0.2.0:12240");
}
