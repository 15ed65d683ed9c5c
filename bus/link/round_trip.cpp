#include "bus/link/round_trip.hpp"

#include <algorithm>

#include "bus/link/link_limits.hpp"
#include "bus/store/mutants.hpp"
#include "protocol/assert.hpp"

namespace herd::bus {

using protocol::Hello;
using protocol::Message;
using protocol::Nanoseconds;
using protocol::Now;
using protocol::Ping;
using protocol::Pong;

namespace {

// `theirs` minus `ours`. A peer's clock may have any value, so a difference that overflows is clamped.
Nanoseconds ahead_by(Nanoseconds theirs, Nanoseconds ours) {
  std::int64_t difference = 0;
  if (!__builtin_sub_overflow(theirs.count(), ours.count(), &difference)) return Nanoseconds{difference};
  return theirs > ours ? Nanoseconds::max() : -Nanoseconds::max();
}

}  // namespace

void RoundTrip::begin_incarnation() {
  average_ = Nanoseconds{};
  owe_pong_.reset();
}

void RoundTrip::start(Nanoseconds now) {
  ping_sent_.reset();
  ping_due_ = now;
}

void RoundTrip::stop() {
  ping_sent_.reset();
  ping_due_ = kNever;
}

void RoundTrip::receive(const Hello& hello, Now now) {
  skew_ = ahead_by(hello.clock, now.wall);
}

void RoundTrip::receive(const Pong& pong, Now now) {
  if (!ping_sent_ || pong.nonce != ping_nonce_) return;
  const Nanoseconds took = now.steady - ping_sent_->steady;
  measured(took);
  skew_ = ahead_by(pong.clock, ping_sent_->wall + took / 2);
  ping_sent_.reset();
}

void RoundTrip::measured(Nanoseconds sample) {
  average_ = average_ == Nanoseconds{} ? sample : average_ + (sample - average_) / 8;
}

void RoundTrip::timed_out(Nanoseconds waited) {
  ++timeouts_;
  measured(std::max(average_, waited));
}

std::optional<Message> RoundTrip::take(Now now) {
  if (owe_pong_) {
    const Pong pong{*owe_pong_, now.wall};
    owe_pong_.reset();
    return pong;
  }
  if (now.steady < ping_deadline()) return std::nullopt;
  ping_sent_ = now;
  ping_due_ = now.steady + kPingInterval;
  return Ping{++ping_nonce_, now.wall};
}

Nanoseconds RoundTrip::answer_timeout() const {
  return std::clamp<Nanoseconds>(kRoundTripsBeforeTimeout * average_, kAnswerTimeoutMin, kAnswerTimeoutMax);
}

Nanoseconds RoundTrip::unanswered_since() const {
  return ping_sent_ && !mutated(Mutant::PingMayGoUnanswered) ? ping_sent_->steady : kNever;
}

void RoundTrip::check_invariants() const {
  HERD_ASSERT(average_ >= Nanoseconds{});
  HERD_ASSERT(!ping_sent_ || (ping_due_ != kNever && ping_nonce_ > 0));
}

}  // namespace herd::bus
