// A link: the relation of this node with one peer, in both directions, as protocol state. Each node has one link to
// each of its configured peers. It is composed of five parts, which do not know each other:
//
//   Handshake         HELLO and WELCOME: both sides agree on incarnations, and on where to start
//   SendingStream     reads this node's feed and sends it in batches, up to the cursor that the peer acknowledges
//   ReceivingCursor   how far the peer's feed is merged here, and the ACK that is owed for it
//   RoundTrip         PING and PONG; how long an answer may take, and the peer's clock
//   Liveness          when the peer was last received and when it last answered: the state that operators see
//
// The link passes each message to the parts that it concerns, and decides which message is sent next. It keeps one rule
// between them: the stream of batches is open exactly from the WELCOME to the present attempt until the next attempt.
// An attempt ends if an ACK or a PONG is overdue, at a BYE, at a new incarnation of the peer, and when this node renews
// its feed. Each time a HELLO states the number of the next attempt. The cursor in the WELCOME to it is the new start,
// also if it is below the acknowledged one.
//
// An exchange, from the side of this node:
//
//   HELLO  ->            "my feed has the id F, this is attempt 1"
//          <- WELCOME    "I have merged your feed F up to 100": the stream starts there
//   BATCH  ->            from = 100, to = 140, with the records that changed in this range
//   BATCH  ->            from = 140, to = 180: several may be in flight
//          <- ACK        merged = 180, durable = 140: both batches are merged, the first is in the peer's journal
//
// The link does not touch the network, and only reads the store: the replica passes in messages and the time, and takes
// out the messages to send. Nothing here blocks, and memory is bounded: an owed answer is a flag, unsent changes are a
// cursor, and the number of batches in flight is limited.
//
// Owned by the replica (bus/replica/replica.hpp). Loop thread only. docs/PROTOCOL.md (Nodes) has the rules and the
// reason of each.
#pragma once

#include <optional>

#include "bus/link/handshake.hpp"
#include "bus/link/link_limits.hpp"
#include "bus/link/liveness.hpp"
#include "bus/link/receiving_cursor.hpp"
#include "bus/link/round_trip.hpp"
#include "bus/link/sending_stream.hpp"
#include "bus/store/feed_position.hpp"
#include "bus/store/store.hpp"
#include "protocol/messages.hpp"

namespace herd::bus {

class Link {
 public:
  // `self` must outlive the link. `index`: the link's number, as the store records it. `restored`: as in
  // ReceivingCursor. `first_attempt`: must be above all attempts of a former link to the same peer, so that answers to
  // that link do not count for this one (rule 29). At first the link is Down and a HELLO is due.
  Link(const Self& self, PeerIndex index, const LinkLimits& limits, const PeerCursor& restored = {},
       std::uint64_t first_attempt = 1);

  // ---- messages received from the peer ----
  // `feed_tail`: the tail of this node's feed now.
  //
  // A HELLO is answered by WELCOME, and by a HELLO unless it is an answer itself. A new incarnation of the peer ends
  // the stream of batches, and all that the former one acknowledged or proved is void. A new feed id sets the cursor in
  // the peer's feed back to 0.
  void receive(const protocol::Hello& hello, protocol::Now now, ChangeNumber feed_tail);
  // If the result is Foreign, the message was not used, and the node must renew its feed (rule 24).
  // A WELCOME that names other incarnations or another feed than the present ones is ignored, and answered by HELLO, at
  // most every kHelloSpacing. A WELCOME to another attempt than the present one moves no cursor.
  [[nodiscard]] CursorClaim receive(const protocol::Welcome& welcome, protocol::Now now, const OurFeed& feed);
  // An ACK that names other incarnations is ignored, and answered by WELCOME. One to a former attempt counts: what is
  // merged stays merged.
  [[nodiscard]] CursorClaim receive(const protocol::Ack& ack, protocol::Now now, ChangeNumber feed_tail);
  // PING and PONG name no incarnation: the caller knows the peer by the connection.
  void receive(const protocol::Ping& ping, protocol::Now now);
  void receive(const protocol::Pong& pong, protocol::Now now);
  // A BYE of another incarnation is ignored. Else the link is Down, and HELLO is due after kHelloInterval.
  void receive(const protocol::Bye& bye, protocol::Now now);
  // Call it first for each BATCH. True if the batch is of the peer's present incarnation and for ours. If false, do not
  // merge its updates: a WELCOME is owed instead.
  [[nodiscard]] bool accepts(const protocol::Batch& batch, protocol::Now now);
  // Call it after the updates of an accepted batch are merged, in the same loop iteration: the delay of the ACK counts
  // from accepts(). Moves the cursor to the batch's end and owes an ACK. If the batch begins after the cursor, or
  // belongs to an unknown run, the cursor stays and a WELCOME is owed, which tells the peer where to continue (rule 5).
  void merged(const protocol::Batch& batch);

  // The node has renewed its feed: all that the peer acknowledged of the former feed is void. Restarts the handshake.
  // The cursor in the peer's feed stays: it is still right.
  void begin_feed(protocol::Now now);

  // ---- messages to send ----
  // The next message other than BATCH. The order is HELLO, because a peer ignores other messages of a stranger; the
  // answer to a HELLO; WELCOME; ACK when due; PONG; PING when due. The link counts it as sent, so call it only when the
  // peer can be sent to. nullopt: none for now.
  [[nodiscard]] std::optional<protocol::Message> take_message(protocol::Now now, ChangeNumber feed_tail);
  // A batch that ends at `to` is sent now, after sending().next_range() or next_number() returned a value. Returns its
  // header. `written`: the journal holds our feed up to this number.
  [[nodiscard]] protocol::Batch send(ChangeNumber to, ChangeNumber feed_tail, ChangeNumber written, protocol::Now now);
  // Cheap test for whether take_message() or sending().next_range() may return something. May be a false positive,
  // never a false negative.
  [[nodiscard]] bool wants_to_send(protocol::Now now, ChangeNumber feed_tail) const;
  // The steady time at which a message becomes due without a further event, if the peer can be sent to; max() for
  // never.
  [[nodiscard]] protocol::Nanoseconds send_deadline() const;

  // ---- time ----
  // Restarts the handshake if an ACK or a PONG is overdue: not received within RoundTrip::answer_timeout(). Call it
  // once per loop iteration, before messages are taken.
  void tick(protocol::Now now);
  // The steady time at which tick() may have something to do, or connected() may change; max() for never.
  [[nodiscard]] protocol::Nanoseconds tick_deadline(protocol::Now now) const;
  [[nodiscard]] Connected connected(protocol::Now now) const { return liveness_.connected(now.steady); }

  // ---- the parts ----
  // To read them, and to call what concerns one part only: next_number(), next_range(), shorten() and await() of the
  // stream; durable() of the cursor; end_backoff() and request_hello() of the handshake. The other changes are the
  // link's.
  [[nodiscard]] SendingStream& sending() { return sending_; }
  [[nodiscard]] const SendingStream& sending() const { return sending_; }
  [[nodiscard]] ReceivingCursor& receiving() { return receiving_; }
  [[nodiscard]] const ReceivingCursor& receiving() const { return receiving_; }
  [[nodiscard]] Handshake& handshake() { return handshake_; }
  [[nodiscard]] const Handshake& handshake() const { return handshake_; }
  [[nodiscard]] const RoundTrip& round_trip() const { return round_trip_; }

  // Asserts that the parts have legal states and agree. O(batches in flight).
  void check_invariants(ChangeNumber feed_tail) const;

 private:
  void begin_incarnation(const protocol::Hello& hello, protocol::Now now, ChangeNumber feed_tail);
  void restart_handshake(protocol::Nanoseconds first_hello);
  void received(protocol::Now now);
  void answered(protocol::Now now);
  [[nodiscard]] protocol::Nanoseconds unanswered_since() const;

  Handshake handshake_;
  SendingStream sending_;
  ReceivingCursor receiving_;
  RoundTrip round_trip_;
  Liveness liveness_;
};

}  // namespace herd::bus
