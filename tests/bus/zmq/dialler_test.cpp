#include "bus/zmq/dialler.hpp"

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

Dialler with(std::vector<std::string> keys) {
  Dialler dialler;
  (void)dialler.set_keys(std::move(keys));
  return dialler;
}

}  // namespace

TEST_CASE("a peer without a key is not dialled, and is dialled as soon as it has one") {
  Dialler dialler;
  CHECK(dialler.key() == nullptr);
  CHECK_FALSE(dialler.set_keys({}));
  CHECK(dialler.set_keys({"a"}));
  REQUIRE(dialler.key() != nullptr);
  CHECK(*dialler.key() == "a");
  CHECK(dialler.set_keys({}));  // its connection must end
  CHECK(dialler.key() == nullptr);
  CHECK(dialler.due() == kNever);
}

TEST_CASE("after two failed handshakes the next key is tried, and after its failures the first again") {
  Dialler dialler = with({"a", "b"});
  dialler.failed(at(10s));
  CHECK(dialler.due() == kNever);
  dialler.failed(at(10s));
  CHECK(dialler.due() == 10s);
  CHECK(dialler.take_dial(at(10s)));
  CHECK(*dialler.key() == "b");
  CHECK_FALSE(dialler.take_dial(at(10s)));
  for (int i = 0; i < 10; ++i) dialler.failed(at(10s + 100ms));
  CHECK(dialler.due() == 11s);  // a key is tried for a second
  CHECK_FALSE(dialler.take_dial(at(11s - 1ns)));
  CHECK(dialler.take_dial(at(11s)));
  CHECK(*dialler.key() == "a");
}

TEST_CASE("a key that works stays, and its former failures do not count") {
  Dialler dialler = with({"a", "b"});
  dialler.failed(at(10s));
  dialler.succeeded();
  dialler.failed(at(20s));
  CHECK(dialler.due() == kNever);
  dialler.failed(at(20s));
  dialler.succeeded();
  CHECK(dialler.due() == kNever);
  CHECK(*dialler.key() == "a");
}

TEST_CASE("a peer with one key is not dialled anew because handshakes fail: ZeroMQ dials again itself") {
  Dialler dialler = with({"a"});
  for (int i = 0; i < 10; ++i) dialler.failed(at(10s));
  CHECK(dialler.due() == kNever);
}

TEST_CASE("after a refusal the same key is dialled anew, slowly") {
  Dialler dialler = with({"a", "b"});
  dialler.failed(at(10s));
  dialler.failed(at(10s));
  dialler.refused(at(10s));
  CHECK(dialler.due() == 10s + kRefusedWait);
  CHECK_FALSE(dialler.take_dial(at(10s + kRefusedWait - 1ns)));
  CHECK(dialler.take_dial(at(10s + kRefusedWait)));
  CHECK(*dialler.key() == "a");
  CHECK(dialler.due() == kNever);
}

TEST_CASE("new keys change the connection only if its key is not among them") {
  Dialler dialler = with({"a", "b"});
  dialler.failed(at(10s));
  dialler.failed(at(10s));
  REQUIRE(dialler.take_dial(at(10s)));
  REQUIRE(*dialler.key() == "b");
  CHECK_FALSE(dialler.set_keys({"b"}));
  CHECK(*dialler.key() == "b");
  CHECK_FALSE(dialler.set_keys({"b", "c"}));
  CHECK(dialler.set_keys({"c"}));
  CHECK(*dialler.key() == "c");
}

TEST_CASE("a switch to the next key that is due ends with that key") {
  Dialler dialler = with({"a", "b"});
  dialler.failed(at(10s));
  dialler.failed(at(10s));
  CHECK_FALSE(dialler.set_keys({"a"}));
  CHECK(dialler.due() == kNever);
}
