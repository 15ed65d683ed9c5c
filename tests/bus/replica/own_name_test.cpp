#include "bus/replica/own_name.hpp"

#include "tests/catch.hpp"

using namespace herd::bus;
using namespace herd::protocol;

namespace {

constexpr std::uint64_t kOwn = 100;

struct OneName {
  OwnName name{kNameWait};
  Now now{100s, 1'700'000'000s};

  OneName() { name.tick(now); }
  void advance(Nanoseconds time) {
    now.steady += time;
    name.tick(now);
  }
  void conflict(PeerIndex peer, bool keeps_name, std::uint64_t other = 200) {
    name.receive(Conflict{{7, kOwn}, keeps_name, other, "tcp://other:1", "192.0.2.2"}, peer, now);
  }
};

TEST_CASE("at the start nothing is acknowledged until a peer has answered") {
  OneName one;
  CHECK_FALSE(one.name.may_acknowledge());
  SECTION("with WELCOME") {
    one.name.welcomed(1, one.now);
    CHECK(one.name.may_acknowledge());
  }
  SECTION("or with CONFLICT, which refuses") {
    one.conflict(1, false);
    CHECK_FALSE(one.name.may_acknowledge());
    one.advance(kNameWait);
    CHECK_FALSE(one.name.may_acknowledge());
  }
  SECTION("or with CONFLICT, which states that this process keeps the name") {
    one.conflict(1, true);
    CHECK(one.name.may_acknowledge());
  }
  SECTION("or the wait is over, and no peer has") {
    CHECK(one.name.deadline() == one.now.steady + kNameWait);
    one.advance(kNameWait - 1ns);
    CHECK_FALSE(one.name.may_acknowledge());
    one.advance(1ns);
    CHECK(one.name.may_acknowledge());
  }
}

TEST_CASE("without peers and without a wait, a process acknowledges at once") {
  OwnName name{Nanoseconds{}};
  CHECK(name.may_acknowledge());
  name.tick({100s, 1'700'000'000s});
  CHECK(name.may_acknowledge());
  CHECK(name.deadline() == Nanoseconds::max());
}

TEST_CASE("a refusal counts until 5 s after the last CONFLICT") {
  OneName one;
  one.name.welcomed(0, one.now);
  one.conflict(1, false);
  CHECK_FALSE(one.name.may_acknowledge());
  one.advance(3s);
  one.conflict(1, false);
  CHECK(one.name.deadline() == one.now.steady + kRefusedFor);
  one.advance(kRefusedFor - 1ns);
  CHECK_FALSE(one.name.may_acknowledge());
  CHECK(one.name.report(one.now));
  one.advance(1ns);
  CHECK(one.name.may_acknowledge());
  CHECK_FALSE(one.name.report(one.now));
  CHECK(one.name.deadline() == Nanoseconds::max());
}

TEST_CASE("a WELCOME ends that peer's refusal and no other") {
  OneName one;
  one.conflict(0, false);
  one.conflict(1, false);
  one.name.welcomed(0, one.now);
  CHECK_FALSE(one.name.may_acknowledge());
  one.name.welcomed(1, one.now);
  CHECK(one.name.may_acknowledge());
}

TEST_CASE("a process that keeps its name acknowledges, and reports the other one") {
  OneName one;
  one.name.welcomed(0, one.now);
  one.conflict(1, true);
  CHECK(one.name.may_acknowledge());
  CHECK(one.name.report(one.now) == OwnName::Report{1, true, {200, "tcp://other:1", "192.0.2.2"}});
  one.name.welcomed(1, one.now);  // does not end the report of the other process
  CHECK(one.name.report(one.now));
}

TEST_CASE("a process that reconnected is not refused because of its own former connection") {
  OneName one;
  one.name.welcomed(0, one.now);
  one.conflict(1, false, kOwn);
  one.advance(kReconnected - 500ms);
  one.conflict(1, false, kOwn);
  CHECK(one.name.may_acknowledge());
  CHECK_FALSE(one.name.report(one.now));
  SECTION("but if that lasts, there are two copies of it") {
    one.advance(500ms);
    one.conflict(1, false, kOwn);
    CHECK_FALSE(one.name.may_acknowledge());
    CHECK(one.name.report(one.now));
  }
  SECTION("and after a pause the time counts from the start") {
    one.advance(kRefusedFor);
    one.conflict(1, false, kOwn);
    CHECK(one.name.may_acknowledge());
  }
}

TEST_CASE("of several reports a refusal is preferred") {
  OneName one;
  one.conflict(0, true);
  one.conflict(1, false);
  CHECK(one.name.report(one.now)->peer == 1);
  one.conflict(0, false);
  CHECK(one.name.report(one.now)->peer == 0);
}

TEST_CASE("a conflict is logged when it begins, once per minute, and when it ends") {
  OneName one;
  CHECK_FALSE(one.name.take_news(one.now));
  std::size_t reports = 0;
  for (Nanoseconds passed{}; passed < kClaimReported; passed += 500ms) {
    one.conflict(0, false);
    one.conflict(1, false);
    reports += one.name.take_news(one.now) ? 1 : 0;
    one.advance(500ms);
  }
  CHECK(reports == 1);
  one.conflict(0, false);
  CHECK(one.name.take_news(one.now));
  one.conflict(0, false, 300);  // yet another process
  one.conflict(1, false, 300);
  CHECK(one.name.take_news(one.now));
  one.advance(kRefusedFor);
  const auto end = one.name.take_news(one.now);
  REQUIRE(end);
  CHECK(end->over);
  CHECK(end->report.other.incarnation == 300);
  CHECK_FALSE(one.name.take_news(one.now));
}

}  // namespace
