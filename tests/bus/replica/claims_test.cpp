#include "bus/replica/claims.hpp"

#include "tests/bus/fake_connections.hpp"
#include "tests/catch.hpp"

using namespace herd::bus;
using namespace herd::protocol;

namespace {

using Verdict = Claims::Verdict;
using News = Claims::News;

constexpr std::uint64_t kOwn = 7;
constexpr std::uint64_t kFirst = 100;
constexpr std::uint64_t kSecond = 200;

Hello hello_of(std::uint64_t incarnation, const std::string& address = "") {
  Hello hello;
  hello.herd = "herd";
  hello.node = "Hill";
  hello.incarnation = incarnation;
  hello.feed_id = incarnation + 1;
  hello.address = address;
  return hello;
}

// The claims of the name Hill, at a node of which the link to the first process is up.
struct OneName {
  Claims claims;
  FakeConnections connections;
  Now now{100s, 1'700'000'000s};
  Connected link = Connected::Down;

  OneName() {
    REQUIRE(claim("first", kFirst, "tcp://first:1") == Verdict::Accepted);
    link = Connected::Up;
  }
  // Judges a HELLO, and makes its process the holder if it is accepted.
  Verdict claim(const std::string& route, std::uint64_t incarnation, const std::string& address = "") {
    const Hello hello = hello_of(incarnation, address);
    const Claims::Claim claim{hello, route, &connections};
    const Verdict verdict = claims.judge(claim, kOwn, link, now);
    if (verdict == Verdict::Accepted) claims.take(claim);
    return verdict;
  }
  void advance(Nanoseconds time) {
    now.steady += time;
    now.wall += time;
  }
  // The CONFLICTs sent back since the last call.
  std::vector<FakeConnections::SentBack> sent() { return std::exchange(connections.sent, {}); }
};

TEST_CASE("a second process is refused while the link is up and the first one's connection is open") {
  OneName name;
  name.connections.from = "192.0.2.2";
  CHECK(name.claim("second", kSecond, "tcp://second:2") == Verdict::Refused);
  CHECK(name.claims.route() == "first");
  CHECK(name.claims.holder() == Claimant{kFirst, "tcp://first:1", "192.0.2.1"});
  CHECK(name.claims.contender(name.now) == Claimant{kSecond, "tcp://second:2", "192.0.2.2"});
  const auto sent = name.sent();
  REQUIRE(sent.size() == 2);
  const auto is = [](const Conflict& conflict, const Incarnations& incarnations, bool keeps_name,
                     const Claimant& other) {
    return conflict.incarnations == incarnations && conflict.keeps_name == keeps_name &&
           conflict.other_incarnation == other.incarnation && conflict.other_address == other.address &&
           conflict.other_host == other.host;
  };
  CHECK(sent[0].route == "first");
  CHECK(is(sent[0].conflict, {kOwn, kFirst}, true, {kSecond, "tcp://second:2", "192.0.2.2"}));
  CHECK(sent[1].route == "second");
  CHECK(is(sent[1].conflict, {kOwn, kSecond}, false, {kFirst, "tcp://first:1", "192.0.2.1"}));
}

TEST_CASE("a process loses its name at once when its connection is closed") {
  OneName name;
  name.connections.closed = {"first"};
  CHECK(name.claim("second", kSecond) == Verdict::Accepted);
  CHECK(name.claims.route() == "second");
  CHECK(name.sent().empty());
  CHECK_FALSE(name.claims.contender(name.now));
}

TEST_CASE("a process that does not answer loses its name to the newest HELLO") {
  OneName name;
  name.link = GENERATE(Connected::Down, Connected::Half);
  CHECK(name.claim("second", kSecond) == Verdict::Accepted);
  CHECK(name.claim("first", kFirst) == Verdict::Accepted);
  CHECK(name.sent().empty());
}

TEST_CASE("a HELLO by the holder's own connection is accepted, also with another incarnation") {
  OneName name;
  CHECK(name.claim("first", kFirst) == Verdict::Accepted);
  CHECK(name.claim("first", kSecond) == Verdict::Accepted);
  CHECK(name.claims.holder().incarnation == kSecond);
  CHECK(name.sent().empty());
}

TEST_CASE("a process that reconnected is accepted once its former connection is closed") {
  OneName name;
  SECTION("which is so in most cases") {
    name.connections.closed = {"first"};
    CHECK(name.claim("again", kFirst) == Verdict::Accepted);
  }
  SECTION("or once no message comes by it") {
    CHECK(name.claim("again", kFirst) == Verdict::Refused);
    CHECK_FALSE(name.claims.contender(name.now));
    CHECK(name.claims.take_news(name.now) == News::None);
    name.advance(kSilence);
    name.link = Connected::Down;
    CHECK(name.claim("again", kFirst) == Verdict::Accepted);
    CHECK(name.claims.take_news(name.now) == News::None);
  }
  SECTION("and if that stays open and in use, there are two copies of one process") {
    for (Nanoseconds passed{}; passed < kReconnected; passed += 500ms) {
      CHECK(name.claim("again", kFirst) == Verdict::Refused);
      CHECK(name.claims.take_news(name.now) == News::None);
      name.advance(500ms);
    }
    CHECK(name.claim("again", kFirst) == Verdict::Refused);
    CHECK(name.claims.take_news(name.now) == News::Refused);
    CHECK(name.claims.contender(name.now)->incarnation == kFirst);
  }
}

TEST_CASE("without Connections the newest HELLO counts") {
  OneName name;
  const Hello hello = hello_of(kSecond);
  CHECK(name.claims.judge({hello, "second", nullptr}, kOwn, Connected::Up, name.now) == Verdict::Accepted);
}

TEST_CASE("a process that claims a name gets CONFLICT at most every 50 ms") {
  OneName name;
  CHECK(name.claim("second", kSecond) == Verdict::Refused);
  CHECK(name.sent().size() == 2);
  name.advance(kHelloSpacing - 1ns);
  CHECK(name.claim("second", kSecond) == Verdict::Refused);
  CHECK(name.sent().empty());
  name.advance(1ns);
  CHECK(name.claim("second", kSecond) == Verdict::Refused);
  CHECK(name.sent().size() == 2);
  CHECK(name.claim("third", 300) == Verdict::Refused);  // the limit is for each process
  CHECK(name.sent().size() == 2);
}

TEST_CASE("a HELLO by a closed connection changes nothing and is not reported") {
  OneName name;
  name.connections.closed = {"second"};
  CHECK(name.claim("second", kSecond) == Verdict::Late);
  CHECK(name.claims.route() == "first");
  CHECK(name.claims.take_news(name.now) == News::None);
}

TEST_CASE("a late HELLO of the former holder is not reported to the present one") {
  OneName name;
  name.link = Connected::Down;
  REQUIRE(name.claim("second", kSecond) == Verdict::Accepted);
  name.link = Connected::Up;
  SECTION("if its connection is closed") {
    name.connections.closed = {"first"};
    CHECK(name.claim("first", kFirst) == Verdict::Late);
    CHECK(name.sent().empty());
  }
  SECTION("but if its connection is open, it is refused as any other") {
    CHECK(name.claim("first", kFirst) == Verdict::Refused);
    CHECK(name.sent().size() == 2);
  }
}

TEST_CASE("the former holder gets its name back by a WELCOME to this incarnation") {
  OneName name;
  name.link = Connected::Down;
  REQUIRE(name.claim("second", kSecond) == Verdict::Accepted);
  const Welcome welcome{{kFirst, kOwn}, 1, 0, 1};
  const auto regained = [&](const Welcome& message, const std::string& route) {
    return name.claims.regained(message, route, &name.connections, kOwn, name.link).has_value();
  };
  SECTION("while the link is not up") {
    const auto hello = name.claims.regained(welcome, "first", &name.connections, kOwn, name.link);
    REQUIRE(hello);
    CHECK(hello->incarnation == kFirst);
    const auto sent = name.sent();
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].route == "first");
    CHECK(sent[0].conflict.keeps_name);
  }
  SECTION("not while the link is up") {
    name.link = Connected::Up;
    CHECK_FALSE(regained(welcome, "first"));
  }
  SECTION("not over another connection") {
    CHECK_FALSE(regained(welcome, "third"));
  }
  SECTION("not if it was meant for another incarnation of this node") {
    CHECK_FALSE(regained({{kFirst, kOwn + 1}, 1, 0, 1}, "first"));
  }
  SECTION("not if another process sends it") {
    CHECK_FALSE(regained({{kSecond, kOwn}, 1, 0, 1}, "first"));
  }
  SECTION("not if its connection is closed") {
    name.connections.closed = {"first"};
    CHECK_FALSE(regained(welcome, "first"));
    name.connections.closed.clear();
    CHECK_FALSE(regained(welcome, "first"));  // the former holder is forgotten
  }
  SECTION("not without Connections") {
    CHECK_FALSE(name.claims.regained(welcome, "first", nullptr, kOwn, name.link));
  }
}

TEST_CASE("a refused process is reported once, again after a minute, and when it is over") {
  OneName name;
  CHECK(name.claims.deadline() == Nanoseconds::max());
  CHECK(name.claims.take_news(name.now) == News::None);
  const auto claim_for = [&](Nanoseconds time) {
    std::size_t reports = 0;
    for (Nanoseconds passed{}; passed < time; passed += 500ms) {
      name.advance(500ms);
      REQUIRE(name.claim("second", kSecond) == Verdict::Refused);
      reports += name.claims.take_news(name.now) == News::Refused ? 1 : 0;
    }
    return reports;
  };
  CHECK(claim_for(kClaimReported) == 1);
  CHECK(claim_for(kClaimReported) == 1);
  name.advance(500ms);
  CHECK(name.claim("third", 300) == Verdict::Refused);  // another process
  CHECK(name.claims.take_news(name.now) == News::Refused);
  CHECK(name.claims.deadline() == name.now.steady + kClaimShown);
  name.advance(kClaimShown - 1ns);
  CHECK(name.claims.contender(name.now));
  CHECK(name.claims.take_news(name.now) == News::None);
  name.advance(1ns);
  CHECK_FALSE(name.claims.contender(name.now));
  CHECK(name.claims.take_news(name.now) == News::Over);
  CHECK(name.claims.take_news(name.now) == News::None);
  CHECK(name.claims.deadline() == Nanoseconds::max());
}

TEST_CASE("a refused process that is accepted later is no longer reported as refused") {
  OneName name;
  REQUIRE(name.claim("second", kSecond) == Verdict::Refused);
  CHECK(name.claims.take_news(name.now) == News::Refused);
  name.advance(1s);
  name.connections.closed = {"first"};
  REQUIRE(name.claim("second", kSecond) == Verdict::Accepted);
  CHECK_FALSE(name.claims.contender(name.now));
  CHECK(name.claims.take_news(name.now) == News::Over);
}

}  // namespace
