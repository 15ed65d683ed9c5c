#include "bus/link/handshake.hpp"

#include <algorithm>

#include "bus/link/link_limits.hpp"
#include "bus/store/mutants.hpp"
#include "protocol/assert.hpp"

namespace herd::bus {

using protocol::Hello;
using protocol::Incarnations;
using protocol::Message;
using protocol::Nanoseconds;
using protocol::Now;
using protocol::Welcome;

bool Handshake::is_current(const Incarnations& incarnations) const {
  if (mutated(Mutant::NoIncarnationCheck)) return true;
  return incarnations.sender == peer_incarnation_ && incarnations.receiver == self_->incarnation;
}

void Handshake::begin_incarnation(std::uint64_t incarnation) {
  peer_incarnation_ = incarnation;
  owe_welcome_ = false;
  unanswered_ = 0;
}

void Handshake::receive(const Hello& hello) {
  owe_welcome(hello.attempt);
  if (!hello.answer && !mutated(Mutant::HelloUnanswered)) owe_answer_ = true;
}

bool Handshake::accepts(const Welcome& welcome, Now now) {
  const bool is_right_feed = welcome.feed_id == self_->feed_id || mutated(Mutant::NoIncarnationCheck);
  if (is_current(welcome.incarnations) && is_right_feed) return true;
  // Spaced, so that two nodes that disagree do not exchange HELLO and WELCOME at the speed of the network.
  const bool silent = mutated(Mutant::WelcomeOfAnotherIncarnationUnanswered);
  if (now.steady - hello_sent_at_ >= kHelloSpacing && !silent) owe_hello_ = true;
  return false;
}

bool Handshake::is_answered_by(const Welcome& welcome) const {
  return welcome.attempt == attempt_ || mutated(Mutant::OldAttemptRewinds);
}

void Handshake::note_received() {
  if (hello_due_ && !mutated(Mutant::NoHelloRepeat))
    hello_due_ = std::min(*hello_due_, hello_sent_at_ + kHelloInterval);
}

void Handshake::complete(std::uint64_t run) {
  welcomed_run_ = run;
  ++attempt_;  // so that further answers to the former attempt do not rewind
  hello_due_.reset();
  unanswered_ = 0;
  owe_hello_ = false;
}

void Handshake::restart(Nanoseconds first_hello) {
  ++attempt_;
  hello_due_ = first_hello;
}

void Handshake::owe_welcome(std::uint64_t attempt) {
  welcome_attempt_ = owe_welcome_ ? std::max(welcome_attempt_, attempt) : attempt;
  owe_welcome_ = true;
}

std::optional<Message> Handshake::take(Now now, ChangeNumber feed_tail, const ReceivingCursor& receiving) {
  if (owe_hello_ || now.steady >= hello_deadline()) {
    hello_sent(now);
    return hello(false, now, feed_tail);
  }
  if (owe_answer_) {
    owe_answer_ = false;
    return hello(true, now, feed_tail);
  }
  if (!owe_welcome_) return std::nullopt;
  owe_welcome_ = false;
  const FeedPosition& at = receiving.position();
  return Welcome{incarnations(), receiving.feed_id(), at.cursor, welcome_attempt_, at.run, at.written};
}

Hello Handshake::hello(bool answer, Now now, ChangeNumber feed_tail) const {
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

void Handshake::hello_sent(Now now) {
  owe_hello_ = false;
  hello_sent_at_ = now.steady;
  ++unanswered_;
  if (is_complete()) return;
  const unsigned doublings = unanswered_ > kHellosBeforeBackoff ? std::min(unanswered_ - kHellosBeforeBackoff, 8U) : 0;
  hello_due_ = now.steady + std::min(kHelloInterval * (1 << doublings), kHelloIntervalMax);
  if (mutated(Mutant::NoHelloRepeat)) hello_due_ = Nanoseconds::max();
}

void Handshake::check_invariants() const {
  HERD_ASSERT(attempt_ > 0 && self_->incarnation != 0 && self_->feed_id != 0);
  HERD_ASSERT(peer_incarnation_ != 0 || (!owe_answer_ && !is_complete()));
}

}  // namespace herd::bus
