#include "bus/link/link.hpp"

#include <algorithm>
#include <limits>

#include "bus/store/mutants.hpp"

namespace herd::bus {

using protocol::Ack;
using protocol::Batch;
using protocol::Bye;
using protocol::Hello;
using protocol::Incarnations;
using protocol::Message;
using protocol::Nanoseconds;
using protocol::Now;
using protocol::Ping;
using protocol::Pong;
using protocol::Welcome;

namespace {

constexpr Nanoseconds kNever = Nanoseconds::max();
constexpr Nanoseconds kLongAgo = Nanoseconds::min() / 2;

// `theirs` minus `ours`. A peer's clock may have any value, so a difference that overflows is clamped.
Nanoseconds ahead_by(Nanoseconds theirs, Nanoseconds ours) {
  std::int64_t difference = 0;
  if (!__builtin_sub_overflow(theirs.count(), ours.count(), &difference)) return Nanoseconds{difference};
  return theirs > ours ? Nanoseconds::max() : -Nanoseconds::max();
}

}  // namespace

Link::Link(const Self& self, PeerIndex index, LinkLimits limits)
    : self_(&self),
      index_(index),
      limits_(limits),
      received_at_(kLongAgo),
      answered_at_(kLongAgo),
      incarnation_began_at_(kLongAgo),
      hello_sent_at_(kLongAgo) {}

// ---- received messages ----------------------------------------------------------------------------------------------

void Link::receive(const Hello& hello, Now now, ChangeNumber feed_tail) {
  if (hello.incarnation != peer_.incarnation) begin_run(hello, now, feed_tail);
  if (hello.feed_id != peer_.feed_id) {
    // A cursor belongs to one feed id. A former feed id that comes back is read from the beginning too.
    peer_.feed_id = hello.feed_id;
    if (!mutated(Mutant::OldFeedKeepsCursor)) {
      at_ = {};
      durable_cursor_ = 0;
    }
  }
  received_at_ = now.steady;  // not received(), which would hasten a HELLO of ours: the answer below is one
  skew_ = ahead_by(hello.clock, now.wall);
  owe_welcome(hello.attempt);
  if (!hello.answer && !mutated(Mutant::HelloUnanswered)) owe_hello_answer_ = true;
}

// A new incarnation of the peer voids what the former one acknowledged, until its WELCOME names its cursor.
void Link::begin_run(const Hello& hello, Now now, ChangeNumber feed_tail) {
  peer_.incarnation = hello.incarnation;
  incarnation_began_at_ = now.steady;
  tail_at_incarnation_ = feed_tail;
  sync_target_ = hello.tail;
  if (mutated(Mutant::NewIncarnationKeepsStream)) return;
  acknowledged_ = durable_ = proven_ = 0;
  answered_at_ = kLongAgo;
  welcome_attempt_ = ack_attempt_ = 0;
  owe_welcome_ = owe_ack_ = false;
  owe_pong_.reset();
  round_trip_ = Nanoseconds{};
  unanswered_hellos_ = 0;
  restart_handshake(Nanoseconds{});
}

bool Link::is_current(const Incarnations& incarnations) const {
  if (mutated(Mutant::NoIncarnationCheck)) return true;
  return incarnations.sender == peer_.incarnation && incarnations.receiver == self_->incarnation;
}

CursorClaim Link::receive(const Welcome& welcome, Now now, const OurFeed& feed) {
  if (!is_current(welcome.incarnations) ||
      (welcome.feed_id != self_->feed_id && !mutated(Mutant::NoIncarnationCheck))) {
    // Spaced, so that two nodes that disagree do not exchange HELLO and WELCOME at the speed of the network.
    const bool silent = mutated(Mutant::WelcomeOfAnotherIncarnationUnanswered);
    if (now.steady - hello_sent_at_ >= kHelloSpacing && !silent) owe_hello_ = true;
    return CursorClaim::Possible;
  }
  answered(now);
  if (welcome.attempt != attempt_ && !mutated(Mutant::OldAttemptRewinds)) return CursorClaim::Possible;
  const bool possible = feed.runs.allow({welcome.cursor, welcome.run, welcome.written}, feed.tail, feed.written);
  if (!possible && !mutated(Mutant::ForeignCursorCountsAsNone)) return CursorClaim::Foreign;
  // Also a cursor below the acknowledged one is taken as it is: the peer knows what it holds.
  const ChangeNumber least = mutated(Mutant::WelcomeOnlyForward) ? acknowledged_ : 0;
  acknowledged_ = sent_ = scanned_ = possible ? std::max(welcome.cursor, least) : 0;
  welcomed_run_ = welcome.run;
  durable_ = std::min(durable_, acknowledged_);
  proofs_.clear();
  tail_sent_ = acknowledged_;
  flight_.clear();
  ++attempt_;  // so that further answers to the former attempt do not rewind
  streaming_ = true;
  unanswered_hellos_ = 0;
  owe_hello_ = false;
  ping_sent_.reset();
  ping_due_ = now.steady;
  return CursorClaim::Possible;
}

CursorClaim Link::receive(const Ack& ack, Now now, ChangeNumber feed_tail) {
  if (!is_current(ack.incarnations) && !mutated(Mutant::AckOfAnotherIncarnationUsed)) {
    owe_welcome(ack.attempt);
    return CursorClaim::Possible;
  }
  answered(now);
  if (ack.merged > feed_tail && !mutated(Mutant::AckBeyondTailIgnored)) return CursorClaim::Foreign;
  if (ack.merged > feed_tail || ack.durable > ack.merged) return CursorClaim::Possible;  // no ACK of a correct peer
  advance(ack.merged, now.steady);
  durable_ = std::max(durable_, std::min(ack.durable, acknowledged_));
  // A durable number is a proof only if a batch of this attempt ended there as the tail: only then is it known that the
  // peer was sent everything up to it.
  if (mutated(Mutant::AnyDurableNumberProves)) proven_ = std::max(proven_, durable_);
  for (; !proofs_.empty() && proofs_.front() <= durable_; proofs_.pop_front()) proven_ = proofs_.front();
  return CursorClaim::Possible;
}

// The cursor in the peer's feed stays: it is still right.
void Link::begin_feed(Now now) {
  acknowledged_ = durable_ = 0;
  if (!mutated(Mutant::RenewalKeepsProven)) proven_ = 0;
  tail_sent_ = 0;
  unanswered_hellos_ = 0;
  restart_handshake(now.steady);
}

void Link::advance(ChangeNumber merged, Nanoseconds now) {
  acknowledged_ = std::max(acknowledged_, merged);
  sent_ = std::max(sent_, acknowledged_);
  scanned_ = std::max(scanned_, sent_);
  // `<=`: an empty batch that only asks for the durable number is answered too.
  while (!flight_.empty() && flight_.front().to <= acknowledged_) {
    measured(now - flight_.front().sent_at);
    flight_.pop_front();
  }
}

void Link::receive(const Ping& ping, Now now) {
  received(now);
  owe_pong_ = ping.nonce;
}

void Link::receive(const Pong& pong, Now now) {
  answered(now);
  if (!ping_sent_ || pong.nonce != ping_nonce_) return;
  const Nanoseconds took = now.steady - ping_sent_->steady;
  measured(took);
  skew_ = ahead_by(pong.clock, ping_sent_->wall + took / 2);
  ping_sent_.reset();
}

void Link::receive(const Bye& bye, Now now) {
  if (bye.incarnation != peer_.incarnation) return;
  restart_handshake(now.steady + kHelloInterval);
  owe_hello_ = false;
  owe_ack_ = owe_welcome_ = owe_hello_answer_ = false;
  received_at_ = answered_at_ = kLongAgo;
}

bool Link::accepts(const Batch& batch, Now now) {
  if (is_current(batch.incarnations)) {
    received(now);
    return true;
  }
  if (!mutated(Mutant::BatchOfAnotherIncarnationUnanswered)) owe_welcome(batch.attempt);
  return false;
}

void Link::merged(const Batch& batch) {
  const std::uint64_t sender = batch.incarnations.sender;
  const bool continues = at_.run == sender || at_.run == batch.run || mutated(Mutant::AnyRunMovesCursor);
  if ((batch.from > at_.cursor && !mutated(Mutant::NoGapCheck)) || !continues) {
    owe_welcome(batch.attempt);
    return;
  }
  if (batch.to >= at_.cursor) {
    at_ = {batch.to, sender, at_.run == sender ? std::max(at_.written, batch.written) : batch.written};
  }
  ack_attempt_ = std::max(ack_attempt_, batch.attempt);
  ack_due_ = owe_ack_ ? Nanoseconds{} : received_at_ + limits_.ack_delay;
  owe_ack_ = true;
}

void Link::restore(const PeerCursor& durable) {
  peer_.feed_id = durable.feed_id;
  if (durable.at.run == 0 && !mutated(Mutant::CursorOfNoRunCounts)) return;
  at_ = durable.at;
  durable_cursor_ = durable.at.cursor;
}

void Link::cursor_durable(const PeerCursor& durable) {
  if (durable.feed_id != peer_.feed_id || durable.at.run != at_.run || durable.at.cursor <= durable_cursor_) return;
  durable_cursor_ = std::min(durable.at.cursor, at_.cursor);
  if (!limits_.prompt_durable || ack_attempt_ == 0) return;
  ack_due_ = Nanoseconds{};
  owe_ack_ = true;
}

void Link::owe_welcome(std::uint64_t attempt) {
  welcome_attempt_ = owe_welcome_ ? std::max(welcome_attempt_, attempt) : attempt;
  owe_welcome_ = true;
}

// ---- messages to send -----------------------------------------------------------------------------------------------

Hello Link::hello(bool answer, Now now, ChangeNumber feed_tail) const {
  Hello hello;
  hello.herd = self_->herd;
  hello.node = self_->node;
  hello.incarnation = self_->incarnation;
  hello.feed_id = self_->feed_id;
  hello.attempt = attempt_;
  hello.clock = now.wall;
  hello.answer = answer;
  hello.tail = feed_tail;
  hello.address = self_->address;
  return hello;
}

// Backoff is for a peer that is away. If a message comes from it, perhaps because it was frozen and runs again, HELLO
// is sent as soon as kHelloInterval allows.
void Link::received(Now now) {
  received_at_ = now.steady;
  if (mutated(Mutant::NoHelloRepeat)) return;
  if (!streaming_) hello_due_ = std::min(hello_due_, hello_sent_at_ + kHelloInterval);
}

void Link::answered(Now now) {
  received(now);
  answered_at_ = now.steady;
}

void Link::hello_sent(Now now) {
  owe_hello_ = false;
  hello_sent_at_ = now.steady;
  ++unanswered_hellos_;
  const unsigned doublings =
      unanswered_hellos_ > kHellosBeforeBackOff ? std::min(unanswered_hellos_ - kHellosBeforeBackOff, 8U) : 0;
  hello_due_ = now.steady + std::min(kHelloInterval * (1 << doublings), kHelloIntervalMax);
  if (mutated(Mutant::NoHelloRepeat)) hello_due_ = kNever;
}

bool Link::wants_to_send(Now now, ChangeNumber feed_tail) const {
  if (owe_hello_ || owe_hello_answer_ || owe_welcome_ || owe_pong_ || send_deadline() <= now.steady) return true;
  return streaming_ && flight_.size() < limits_.max_in_flight && std::max(sent_, scanned_) != feed_tail;
}

std::optional<Message> Link::take_message(Now now, ChangeNumber feed_tail) {
  // HELLO first: a peer to which this node is a stranger ignores all other messages.
  if (owe_hello_ || (!streaming_ && now.steady >= hello_due_)) {
    hello_sent(now);
    return hello(false, now, feed_tail);
  }
  if (owe_hello_answer_) {
    owe_hello_answer_ = false;
    return hello(true, now, feed_tail);
  }
  if (owe_welcome_) {
    owe_welcome_ = false;
    return Welcome{incarnations(), peer_.feed_id, at_.cursor, welcome_attempt_, at_.run, at_.written};
  }
  if (owe_ack_ && now.steady >= ack_due_) {
    owe_ack_ = false;
    return Ack{incarnations(), ack_attempt_, at_.cursor,
               mutated(Mutant::AckReportsMergedAsDurable) ? at_.cursor : durable_cursor_};
  }
  if (owe_pong_) {
    const Pong pong{*owe_pong_, now.wall};
    owe_pong_.reset();
    return pong;
  }
  if (streaming_ && !ping_sent_ && now.steady >= ping_due_) {
    ping_sent_ = now;
    ping_due_ = now.steady + kPingInterval;
    return Ping{++ping_nonce_, now.wall};
  }
  return std::nullopt;
}

// ---- time -----------------------------------------------------------------------------------------------------------

// Stops the stream: no batch is sent until the peer's WELCOME names the cursor to continue from.
void Link::restart_handshake(Nanoseconds first_hello) {
  streaming_ = false;
  ++attempt_;
  sent_ = scanned_ = acknowledged_;
  flight_.clear();
  proofs_.clear();
  ping_sent_.reset();
  hello_due_ = first_hello;
}

void Link::measured(Nanoseconds sample) {
  round_trip_ = round_trip_ == Nanoseconds{} ? sample : round_trip_ + (sample - round_trip_) / 8;
}

Nanoseconds Link::answer_timeout() const {
  return std::clamp<Nanoseconds>(kRoundTripsBeforeTimeout * round_trip_, kAnswerTimeoutMin, kAnswerTimeoutMax);
}

Nanoseconds Link::oldest_unanswered() const {
  Nanoseconds oldest = flight_.empty() ? kNever : flight_.front().sent_at;
  if (ping_sent_ && !mutated(Mutant::PingMayGoUnanswered)) oldest = std::min(oldest, ping_sent_->steady);
  return oldest;
}

void Link::tick(Now now) {
  if (!streaming_ || mutated(Mutant::NoTimeout)) return;
  const Nanoseconds since = oldest_unanswered();
  if (since == kNever || now.steady - since < answer_timeout()) return;
  ++timeouts_;
  // Counts the wait as a round trip. Else a slow peer would time out each time, because no round trip is ever measured.
  measured(std::max(round_trip_, now.steady - since));
  restart_handshake(now.steady);
}

Nanoseconds Link::tick_deadline(Now now) const {
  Nanoseconds deadline = kNever;
  for (const Nanoseconds last : {received_at_, answered_at_, incarnation_began_at_}) {
    if (now.steady - last <= kSilence) deadline = std::min(deadline, last + kSilence + Nanoseconds{1});
  }
  if (const Nanoseconds since = oldest_unanswered(); since != kNever) {
    deadline = std::min(deadline, since + answer_timeout());
  }
  return deadline;
}

Nanoseconds Link::send_deadline() const {
  const Nanoseconds ack = owe_ack_ ? ack_due_ : kNever;
  if (!streaming_) return std::min(ack, hello_due_);
  Nanoseconds deadline = std::min(ack, ping_sent_ ? kNever : ping_due_);
  if (scanned_ > sent_ && flight_.size() < limits_.max_in_flight) {
    deadline = std::min(deadline, scanned_at_ + kEmptyBatchDelay);
  }
  if (waits_for_proof()) deadline = std::min(deadline, ask_at_);
  return deadline;
}

Connected Link::connected(Now now) const {
  if (now.steady - received_at_ > kSilence) return Connected::Down;
  if (now.steady - answered_at_ <= kSilence || mutated(Mutant::HalfCountsAsUp)) return Connected::Up;
  // A new peer has not had the time to answer, so the link is not Half yet.
  return now.steady - incarnation_began_at_ > kSilence ? Connected::Half : Connected::Down;
}

}  // namespace herd::bus
