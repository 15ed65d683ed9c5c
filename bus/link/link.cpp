#include "bus/link/link.hpp"

#include <algorithm>

#include "bus/store/mutants.hpp"
#include "protocol/assert.hpp"

namespace herd::bus {

using protocol::Ack;
using protocol::Batch;
using protocol::Bye;
using protocol::Hello;
using protocol::Message;
using protocol::Nanoseconds;
using protocol::Now;
using protocol::Ping;
using protocol::Pong;
using protocol::Welcome;

Link::Link(const Self& self, PeerIndex index, const LinkLimits& limits, const PeerCursor& restored,
           std::uint64_t first_attempt)
    : handshake_(self, first_attempt), sending_(index, limits), receiving_(limits, restored) {}

// ---- received messages ----------------------------------------------------------------------------------------------

void Link::receive(const Hello& hello, Now now, ChangeNumber feed_tail) {
  if (hello.incarnation != handshake_.peer_incarnation()) begin_incarnation(hello, now, feed_tail);
  receiving_.read_feed(hello.feed_id);
  liveness_.received(now.steady);  // not received(), which would hasten a HELLO of ours: the answer below is one
  round_trip_.receive(hello, now);
  handshake_.receive(hello);
}

void Link::begin_incarnation(const Hello& hello, Now now, ChangeNumber feed_tail) {
  const bool is_first = handshake_.peer_incarnation() == 0;
  handshake_.begin_incarnation(hello.incarnation);
  sending_.begin_incarnation(is_first && mutated(Mutant::ReusedNumberKnowsRecords) ? 0 : feed_tail);
  receiving_.begin_incarnation(hello.tail);
  round_trip_.begin_incarnation();
  liveness_.begin_incarnation(now.steady);
  if (!mutated(Mutant::NewIncarnationKeepsStream)) restart_handshake(Nanoseconds{});
}

CursorClaim Link::receive(const Welcome& welcome, Now now, const OurFeed& feed) {
  if (!handshake_.accepts(welcome, now)) return CursorClaim::Possible;
  answered(now);
  if (!handshake_.is_answered_by(welcome)) return CursorClaim::Possible;
  const CursorClaim claim = sending_.start(welcome, feed);
  if (claim == CursorClaim::Foreign) return claim;
  handshake_.complete(welcome.run);
  round_trip_.start(now.steady);
  return claim;
}

CursorClaim Link::receive(const Ack& ack, Now now, ChangeNumber feed_tail) {
  if (!handshake_.is_current(ack.incarnations) && !mutated(Mutant::AckOfAnotherIncarnationUsed)) {
    handshake_.owe_welcome(ack.attempt);
    return CursorClaim::Possible;
  }
  answered(now);
  return sending_.acknowledge(ack, feed_tail, now.steady, round_trip_);
}

void Link::receive(const Ping& ping, Now now) {
  received(now);
  round_trip_.receive(ping);
}

void Link::receive(const Pong& pong, Now now) {
  answered(now);
  round_trip_.receive(pong, now);
}

void Link::receive(const Bye& bye, Now now) {
  if (bye.incarnation != handshake_.peer_incarnation()) return;
  restart_handshake(now.steady + kHelloInterval);
  handshake_.stopped();
  receiving_.stopped();
  liveness_.stopped();
}

bool Link::accepts(const Batch& batch, Now now) {
  if (handshake_.is_current(batch.incarnations)) {
    received(now);
    return true;
  }
  if (!mutated(Mutant::BatchOfAnotherIncarnationUnanswered)) handshake_.owe_welcome(batch.attempt);
  return false;
}

void Link::merged(const Batch& batch) {
  if (!receiving_.merged(batch, liveness_.received_at())) handshake_.owe_welcome(batch.attempt);
}

void Link::received(Now now) {
  liveness_.received(now.steady);
  handshake_.note_received();
}

void Link::answered(Now now) {
  liveness_.answered(now.steady);
  handshake_.note_received();
}

// ---- attempts -------------------------------------------------------------------------------------------------------

void Link::begin_feed(Now now) {
  sending_.begin_feed();
  handshake_.end_backoff();
  restart_handshake(now.steady);
}

// Stops the stream: no batch is sent until the peer's WELCOME names the cursor to continue from.
void Link::restart_handshake(Nanoseconds first_hello) {
  handshake_.restart(first_hello);
  sending_.stop();
  round_trip_.stop();
}

// ---- messages to send -----------------------------------------------------------------------------------------------

std::optional<Message> Link::take_message(Now now, ChangeNumber feed_tail) {
  if (auto message = handshake_.take(now, feed_tail, receiving_)) return message;
  if (const auto ack = receiving_.take_ack(handshake_.incarnations(), now.steady)) return *ack;
  return round_trip_.take(now);
}

Batch Link::send(ChangeNumber to, ChangeNumber feed_tail, ChangeNumber written, Now now) {
  const ChangeNumber from = sending_.sent(to, feed_tail, now.steady, round_trip_);
  if (mutated(Mutant::CursorMovesBySending)) {
    (void)sending_.acknowledge({{}, 0, to, 0}, feed_tail, now.steady, round_trip_);
  }
  return handshake_.batch(from, to, written);
}

bool Link::wants_to_send(Now now, ChangeNumber feed_tail) const {
  if (handshake_.owes_message() || round_trip_.owes_pong() || send_deadline() <= now.steady) return true;
  return sending_.wants_to_send(feed_tail);
}

Nanoseconds Link::send_deadline() const {
  return std::min(
      {handshake_.hello_deadline(), receiving_.ack_deadline(), round_trip_.ping_deadline(), sending_.deadline()});
}

// ---- time -----------------------------------------------------------------------------------------------------------

Nanoseconds Link::unanswered_since() const {
  return std::min(sending_.unanswered_since(), round_trip_.unanswered_since());
}

void Link::tick(Now now) {
  if (!handshake_.is_complete() || mutated(Mutant::NoTimeout)) return;
  const Nanoseconds since = unanswered_since();
  if (since == Nanoseconds::max() || now.steady - since < round_trip_.answer_timeout()) return;
  round_trip_.timed_out(now.steady - since);
  restart_handshake(now.steady);
}

Nanoseconds Link::tick_deadline(Now now) const {
  const Nanoseconds deadline = liveness_.deadline(now.steady);
  const Nanoseconds since = unanswered_since();
  return since == Nanoseconds::max() ? deadline : std::min(deadline, since + round_trip_.answer_timeout());
}

void Link::check_invariants(ChangeNumber feed_tail) const {
  handshake_.check_invariants();
  sending_.check_invariants(feed_tail);
  receiving_.check_invariants();
  round_trip_.check_invariants();
  liveness_.check_invariants();
  HERD_ASSERT(sending_.is_open() == handshake_.is_complete());
  HERD_ASSERT(sending_.is_open() || round_trip_.ping_deadline() == Nanoseconds::max());
  HERD_ASSERT(receiving_.synchronised() <= (handshake_.peer_incarnation() != 0));
}

}  // namespace herd::bus
