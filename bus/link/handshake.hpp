// The handshake of a link: HELLO and WELCOME, by which both nodes agree on incarnations and on where to continue.
//
// A handshake is an attempt with a number. This node sends HELLO until a WELCOME to the present attempt comes: every
// kHelloInterval, and after kHellosBeforeBackoff unanswered ones less often, down to every kHelloIntervalMax, unless
// something else from the peer comes. Then the attempt is complete, and the stream of batches is open, until restart()
// begins the next attempt. A WELCOME to a former attempt is recognised by its number, and moves nothing.
//
//   attempt 1   HELLO ->            at 0 s, 0.5 s, 1 s, 2 s, 4 s, 6 s: the peer is away
//                     <- WELCOME 1  complete
//   attempt 2   BATCH ->            the batches name attempt 2, so answers to attempt 1 do not count any more
//                                   an ACK is overdue: restart()
//   attempt 3   HELLO ->            at once
//
// The other direction is in it too: answers to the peer's HELLO, and WELCOME. An owed message is a flag, so however
// often the peer asks, one of each kind is owed at most.
//
// Owned by the link (bus/link/link.hpp); loop thread only. docs/PROTOCOL.md (rules 3 and 4) has the rules.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "bus/link/receiving_cursor.hpp"
#include "bus/store/record.hpp"
#include "protocol/clock.hpp"
#include "protocol/messages.hpp"

namespace herd::bus {

// The identity of this node. The incarnation and the feed id change when the node renews its feed.
struct Self {
  std::string herd;               // name of the herd, the same on all nodes
  std::string node;               // name of this node
  std::uint64_t incarnation = 0;  // of this run of the process; random, never 0
  std::uint64_t feed_id = 0;      // of the present feed; random, never 0
  std::string address{};          // the bus address at which peers reach this node; only shown to people
};

class Handshake {
 public:
  // `self` must outlive the handshake. At first a HELLO is due. `first_attempt`: as in Link.
  explicit Handshake(const Self& self, std::uint64_t first_attempt = 1) : self_(&self), attempt_(first_attempt) {}

  // ---- received messages ----
  // Whether a message names the present incarnations of both sides.
  [[nodiscard]] bool is_current(const protocol::Incarnations& incarnations) const;
  // A new incarnation of the peer: no WELCOME is owed to the former one, and the backoff ends. Call restart() next.
  void begin_incarnation(std::uint64_t incarnation);
  // Owes a WELCOME, and a HELLO as an answer unless this HELLO is an answer itself.
  void receive(const protocol::Hello& hello);
  // False: the WELCOME names other incarnations or another feed than the present ones. Then it must not be used, and a
  // HELLO is owed, at most every kHelloSpacing.
  [[nodiscard]] bool accepts(const protocol::Welcome& welcome, protocol::Now now);
  // Whether the WELCOME is to the present attempt; else it moves no cursor.
  [[nodiscard]] bool is_answered_by(const protocol::Welcome& welcome) const;
  // A message of the peer's present incarnation came. The backoff is for a peer that is away; if this one was frozen
  // and runs again, HELLO is sent as soon as kHelloInterval allows.
  void note_received();
  // From the next HELLO on, the interval is kHelloInterval again: the peer refused this process (CONFLICT, rule 21), or
  // the node has renewed its feed.
  void end_backoff() { unanswered_ = 0; }
  // The peer has stopped (BYE): nothing is owed to it. Call restart() first.
  void stopped() { owe_hello_ = owe_answer_ = owe_welcome_ = false; }

  // ---- attempts ----
  // A WELCOME to the present attempt was applied; it named this run of the node.
  void complete(std::uint64_t run);
  // Begins the next attempt, with a HELLO at this steady time.
  void restart(protocol::Nanoseconds first_hello);
  // From complete() to restart().
  [[nodiscard]] bool is_complete() const { return !hello_due_; }

  // ---- messages to send ----
  // Owes a HELLO, without a new attempt.
  void request_hello() { owe_hello_ = true; }
  // Owes a WELCOME as the answer to a message of this attempt of the peer.
  void owe_welcome(std::uint64_t attempt);
  // The next of HELLO, HELLO as an answer, and WELCOME, which states the position of `receiving`; it counts as sent.
  // nullopt: none is due. HELLO is the first: a peer to which this node is a stranger ignores all other messages.
  [[nodiscard]] std::optional<protocol::Message> take(protocol::Now now, ChangeNumber feed_tail,
                                                      const ReceivingCursor& receiving);
  // Whether take() returns something, without regard to hello_deadline().
  [[nodiscard]] bool owes_message() const { return owe_hello_ || owe_answer_ || owe_welcome_; }
  // When the next HELLO of the present attempt is due, by the steady clock; max() for never.
  [[nodiscard]] protocol::Nanoseconds hello_deadline() const {
    return hello_due_.value_or(protocol::Nanoseconds::max());
  }

  // ---- names for messages ----
  // The header of a batch of the present attempt.
  [[nodiscard]] protocol::Batch batch(ChangeNumber from, ChangeNumber to, ChangeNumber written) const {
    return {incarnations(), attempt_, from, to, welcomed_run_, written};
  }
  // The incarnations that a message to the peer must name.
  [[nodiscard]] protocol::Incarnations incarnations() const { return {self_->incarnation, peer_incarnation_}; }
  // 0 until the first HELLO.
  [[nodiscard]] std::uint64_t peer_incarnation() const { return peer_incarnation_; }

  // Asserts that the members have their legal values. O(1).
  void check_invariants() const;

 private:
  [[nodiscard]] protocol::Hello hello(bool answer, protocol::Now now, ChangeNumber feed_tail) const;
  void hello_sent(protocol::Now now);

  const Self* self_;
  std::uint64_t peer_incarnation_ = 0;  // as the newest HELLO names it; 0: none has come
  std::uint64_t attempt_;               // of our handshake; rises with each restart() and complete()
  std::uint64_t welcomed_run_ = 0;      // the run that the last WELCOME named; 0: none, or its cursor was 0
  std::optional<protocol::Nanoseconds> hello_due_ = protocol::Nanoseconds{};  // steady; nullopt: complete
  protocol::Nanoseconds hello_sent_at_ = protocol::Nanoseconds::min() / 2;    // steady; long ago: none was sent
  unsigned unanswered_ = 0;            // HELLOs sent since the last WELCOME, which the backoff counts
  std::uint64_t welcome_attempt_ = 0;  // the peer's attempt that an owed WELCOME answers

  // Owed until take() takes them.
  bool owe_hello_ = false;
  bool owe_answer_ = false;  // a HELLO that answers the peer's
  bool owe_welcome_ = false;
};

}  // namespace herd::bus
