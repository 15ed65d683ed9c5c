#include "bus/link/round_trip.hpp"

#include "bus/link/link_limits.hpp"
#include "tests/catch.hpp"

using namespace herd::bus;
using namespace herd::protocol;

namespace {

constexpr Now kStart{100ms, 100ms};

Now after(Nanoseconds time) {
  return {kStart.steady + time, kStart.wall + time};
}

std::uint64_t nonce_of(const std::optional<Message>& message) {
  REQUIRE(message);
  return std::get<Ping>(*message).nonce;
}

}  // namespace

TEST_CASE("a PONG measures the time since its PING, and the skew at the middle of that time") {
  RoundTrip round_trip;
  round_trip.start(kStart.steady);
  const std::uint64_t nonce = nonce_of(round_trip.take(kStart));
  CHECK(round_trip.unanswered_since() == kStart.steady);
  round_trip.receive(Pong{nonce, 5'110ms}, after(20ms));
  CHECK(round_trip.average() == 20ms);
  CHECK(round_trip.skew() == 5s);
  CHECK(round_trip.unanswered_since() == Nanoseconds::max());
  round_trip.check_invariants();
}

TEST_CASE("a PONG that answers no PING measures nothing") {
  RoundTrip round_trip;
  round_trip.receive(Pong{0, 1h}, kStart);
  round_trip.start(kStart.steady);
  const std::uint64_t nonce = nonce_of(round_trip.take(kStart));
  round_trip.receive(Pong{nonce + 1, 1h}, after(1ms));
  round_trip.stop();
  round_trip.receive(Pong{nonce, 1h}, after(1ms));
  CHECK(round_trip.average() == 0ns);
  CHECK(round_trip.skew() == 0ns);
}

TEST_CASE("a PING is sent every kPingInterval while the stream is open, unless one is unanswered") {
  RoundTrip round_trip;
  CHECK_FALSE(round_trip.take(kStart));
  CHECK(round_trip.ping_deadline() == Nanoseconds::max());
  round_trip.start(kStart.steady);
  const std::uint64_t nonce = nonce_of(round_trip.take(kStart));
  CHECK(round_trip.ping_deadline() == Nanoseconds::max());
  CHECK_FALSE(round_trip.take(after(2 * kPingInterval)));
  round_trip.receive(Pong{nonce, {}}, after(1ms));
  CHECK(round_trip.ping_deadline() == kStart.steady + kPingInterval);
  CHECK_FALSE(round_trip.take(after(kPingInterval - 1ns)));
  CHECK(nonce_of(round_trip.take(after(kPingInterval))) == nonce + 1);
  round_trip.stop();
  CHECK(round_trip.ping_deadline() == Nanoseconds::max());
  CHECK(round_trip.unanswered_since() == Nanoseconds::max());
  round_trip.check_invariants();
}

TEST_CASE("a PONG is sent before a PING, also while the stream is closed") {
  RoundTrip round_trip;
  round_trip.receive(Ping{7, {}});
  CHECK(round_trip.owes_pong());
  const auto message = round_trip.take(kStart);
  REQUIRE(message);
  CHECK(std::get<Pong>(*message).nonce == 7);
  CHECK(std::get<Pong>(*message).clock == kStart.wall);
  CHECK_FALSE(round_trip.owes_pong());
}

TEST_CASE("the average moves by an eighth of the distance to each sample") {
  RoundTrip round_trip;
  round_trip.measured(80ms);
  CHECK(round_trip.average() == 80ms);
  round_trip.measured(160ms);
  CHECK(round_trip.average() == 90ms);
}

TEST_CASE("an answer may take kRoundTripsBeforeTimeout round trips, between the two bounds") {
  RoundTrip round_trip;
  CHECK(round_trip.answer_timeout() == kAnswerTimeoutMin);
  round_trip.measured(1s);
  CHECK(round_trip.answer_timeout() == kRoundTripsBeforeTimeout * 1s);
  round_trip.begin_incarnation();
  round_trip.measured(1h);
  CHECK(round_trip.answer_timeout() == kAnswerTimeoutMax);
}

TEST_CASE("the wait for an overdue answer counts as a sample, unless the average is higher") {
  RoundTrip round_trip;
  round_trip.timed_out(400ms);
  CHECK(round_trip.average() == 400ms);
  round_trip.timed_out(1ms);
  CHECK(round_trip.average() == 400ms);
  CHECK(round_trip.timeouts() == 2);
}

TEST_CASE("a new incarnation of the peer begins without an average and without an owed PONG") {
  RoundTrip round_trip;
  round_trip.measured(1s);
  round_trip.receive(Ping{7, {}});
  round_trip.begin_incarnation();
  CHECK(round_trip.average() == 0ns);
  CHECK_FALSE(round_trip.owes_pong());
}

TEST_CASE("the skew of a HELLO is clamped if it overflows") {
  RoundTrip round_trip;
  Hello hello;
  hello.clock = Nanoseconds::min();
  round_trip.receive(hello, kStart);
  CHECK(round_trip.skew() == -Nanoseconds::max());
}
