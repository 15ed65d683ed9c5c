// A link: the relation of this node with one peer, in both directions, as protocol state. Each node has one link to
// each of its configured peers.
//
// The handshake (HELLO and WELCOME) tells both sides where to start. After it the sending half reads this node's feed
// in order. A cursor states how far it has sent. Each batch covers the next feed range (from, to], and stays in flight
// until the peer's ACK states that it is merged. The receiving half holds the cursor in the peer's feed, and owes the
// peer answers: HELLO, WELCOME, ACK, PONG. The two halves are independent of each other.
//
// The stream of batches ends if an ACK or a PONG is overdue, at a BYE, at a new incarnation of the peer, and when this
// node renews its feed. Each time a new attempt begins, with a HELLO that states its number. No batch is sent until a
// WELCOME to the present attempt comes. The cursor in it is the new start, also if it is below the acknowledged one.
//
// A link lags if more changes are unsent than max_in_flight full batches can hold. Then each of its batches also has
// newest records, out of order, which do not move the cursor.
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

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "bus/link/link_limits.hpp"
#include "bus/store/feed_position.hpp"
#include "bus/store/record.hpp"
#include "bus/store/runs.hpp"
#include "bus/store/store.hpp"
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

// The state of a link. A new incarnation of the peer counts as Down until it answers, but after kSilence as Half.
enum class Connected : std::uint8_t {
  Down,  // nothing was received from the peer for kSilence, or its BYE was
  Half,  // messages come from the peer, but no answer to ours for kSilence
  Up,    // both directions have worked within kSilence
};

// The present state of this node's feed, by which a peer's cursor in it is judged.
struct OurFeed {
  const Runs& runs;          // the runs of the feed, as the journal lists them
  ChangeNumber tail = 0;     // the highest change number
  ChangeNumber written = 0;  // the journal holds all live changes up to this number
};

// What a peer's cursor in this node's feed proves.
enum class CursorClaim : std::uint8_t {
  Possible,  // nothing: this node can have sent the peer those changes, or the message was ignored
  Foreign,   // the peer merged changes of this feed that this node's journal does not contain: the journal is not the
             // newest one of the feed, and the node must renew its feed (rule 24)
};

// The content of the next batch for one peer: the feed range that it covers, and the records to send.
struct FeedRange {
  ChangeNumber from = 0;               // exclusive
  ChangeNumber to = 0;                 // inclusive; the sent cursor moves here
  std::vector<Feed::Entry> records{};  // those in (from, to] that the peer needs, in feed order
  std::vector<Feed::Entry> newest{};   // records after `to`, in feed order, sent early by a lagging link; optional
  bool shareable = true;               // no record was left out or added for this peer, so another link may send the
                                       // same body, unless its peer is a source of it
  std::uint64_t sources = 0;           // the links that the records came by: a bit for each (bit_of)

  // A record that must be sent with the range, because it superseded a change in it that is still on disk. Without it a
  // crash now would bring the old record back under a number that the peer's cursor has passed (rule 13).
  struct Successor {
    ChangeNumber old = 0;   // the superseded number, in (from, to]
    RecordIndex index = 0;  // the newer record
    bool operator==(const Successor&) const = default;
  };
  std::vector<Successor> successors{};
};

class Link {
 public:
  // `self` must outlive the link. `index`: of the peer among the replica's peers, as the store records it. At first the
  // link is Down and a HELLO is due.
  Link(const Self& self, PeerIndex index, LinkLimits limits);

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
  // The peer sent CONFLICT and refused this process (rule 21). Ends the backoff: from the next HELLO on, the interval
  // is kHelloInterval again.
  void refused() { unanswered_hellos_ = 0; }

  // Call it first for each BATCH. True if the batch is of the peer's present incarnation and for ours. If false, do not
  // merge its updates: a WELCOME is owed instead.
  [[nodiscard]] bool accepts(const protocol::Batch& batch, protocol::Now now);
  // Call it after the updates of an accepted batch are merged, in the same loop iteration: the delay of the ACK counts
  // from accepts(). Moves the cursor to the batch's end and owes an ACK. If the batch begins after the cursor, or
  // belongs to an unknown run, the cursor stays and a WELCOME is owed, which tells the peer where to continue (rule 5).
  void merged(const protocol::Batch& batch);

  // ---- this node's journal and feed ----
  // The node has renewed its feed: all that the peer acknowledged of the former feed is void. Restarts the handshake.
  // The cursor in the peer's feed stays.
  void begin_feed(protocol::Now now);

  // At the start, before any message: the cursor in the peer's feed that the journal holds. Reading continues there if
  // the peer still has that feed id, else at the feed's beginning. A cursor with run 0 is not used.
  void restore(const PeerCursor& durable);
  // How far the peer's feed is merged here, for the journal to write.
  [[nodiscard]] PeerCursor peer_cursor(const std::string& peer) const { return {peer, peer_.feed_id, at_}; }
  // The journal has written this cursor. The next ACK reports it to the peer as durable; with prompt_durable an ACK is
  // owed at once. A cursor of another feed or run than the present one is ignored.
  void cursor_durable(const PeerCursor& durable);

  // A reply waits until the peer's journal covers this number of our feed. While proven() is lower, and nothing is in
  // flight, the link asks again with an empty batch, one answer timeout (see tick()) after the batch before. 0: no
  // reply waits.
  void await(ChangeNumber number) { awaited_ = number; }
  // The peer's journal holds every record that was live in our feed when this number was its tail, or a newer record of
  // the same client. 0: nothing is proven.
  [[nodiscard]] ChangeNumber proven() const { return proven_; }

  // ---- messages to send ----
  // The next message other than BATCH. The order is HELLO, because a peer ignores other messages of a stranger; the
  // answer to a HELLO; WELCOME; ACK when due; PONG; PING when due. The link counts it as sent, so call it only when the
  // peer can be sent to. nullopt: none for now.
  [[nodiscard]] std::optional<protocol::Message> take_message(protocol::Now now, ChangeNumber feed_tail);

  // The change number after which the next record for this peer may come; the tail if there is nothing to send. `from`
  // of the next batch may be lower, because nothing between the two is for this peer. nullopt if no batch may be sent
  // now, or if the link lags: then only next_range() can compose the batch.
  [[nodiscard]] std::optional<ChangeNumber> next_number(ChangeNumber feed_tail) const;
  [[nodiscard]] std::size_t max_batch() const { return limits_.max_batch; }
  [[nodiscard]] std::size_t max_in_flight() const { return limits_.max_in_flight; }
  // The feed range of the next batch, for send(). It has about max_batch records in order and successors; a lagging
  // link reads half as many in order and adds newest ones. The caller shortens a range that does not fit the body.
  //
  // It ends at `end` or before, unless nothing up to there is for this peer, or more than kMaxSupersededScanned
  // superseded changes are not on disk. It has no records if it asks for a proof (await()), or if for kEmptyBatchDelay
  // nothing up to the tail was for this peer. nullopt if the stream is not open, max_in_flight batches are in flight,
  // or there is nothing worth a message.
  [[nodiscard]] std::optional<FeedRange> next_range(const Store& store, protocol::Now now, ChangeNumber end);
  // Shortens the range to end at `to`, at least range.from, because its records do not fit the body. Removes the
  // records after the new end. True if the successors changed, or the end had to move below `to`: then the body must be
  // encoded again.
  [[nodiscard]] bool shorten(const Store& store, FeedRange& range, ChangeNumber to) const;
  // A batch that ends at `to` is sent now. Returns its header; its `from` is the `to` of the batch before. Call it only
  // after next_range() or next_number() returned a value. `written`: the journal holds our feed up to this number.
  [[nodiscard]] protocol::Batch send(ChangeNumber to, const Store& store, ChangeNumber written, protocol::Now now);
  // True if the record is left out for this peer, because its present incarnation sent it to us (rule 7). `entry` must
  // be live.
  [[nodiscard]] bool knows(const Store& store, const Feed::Entry& entry) const;

  // True if a received batch is not acknowledged yet, or, with prompt_durable, a durable cursor is not reported yet.
  [[nodiscard]] bool owes_ack() const { return owe_ack_; }
  // Cheap test for whether take_message() or next_range() may return something. May be a false positive, never a false
  // negative.
  [[nodiscard]] bool wants_to_send(protocol::Now now, ChangeNumber feed_tail) const;

  // ---- for reconciliation (bus/link/reconciler.hpp) ----
  // Owes a HELLO, so that both sides state their cursors anew. The stream goes on until the WELCOME to it, and then
  // continues at the cursor in that WELCOME.
  void request_hello() { owe_hello_ = true; }
  // True from the WELCOME of the present attempt until the next handshake: batches may be sent.
  [[nodiscard]] bool streaming() const { return streaming_; }
  // How far the peer's feed is merged here, and the id of that feed.
  [[nodiscard]] ChangeNumber cursor() const { return at_.cursor; }
  [[nodiscard]] std::uint64_t peer_feed() const { return peer_.feed_id; }
  // True if a received message names the present incarnations of both sides.
  [[nodiscard]] bool is_current(const protocol::Incarnations& incarnations) const;
  // The incarnations that a message to the peer must name.
  [[nodiscard]] protocol::Incarnations incarnations() const { return {self_->incarnation, peer_.incarnation}; }

  // ---- time and state ----
  // Restarts the handshake if an ACK or a PONG is overdue: not received within the answer timeout, which is
  // kRoundTripsBeforeTimeout round trips, at least kAnswerTimeoutMin, at most kAnswerTimeoutMax. Call it once per loop
  // iteration, before messages are taken.
  void tick(protocol::Now now);

  // The steady time at which tick() may have something to do, or connected() may change; max() for never.
  [[nodiscard]] protocol::Nanoseconds tick_deadline(protocol::Now now) const;
  // The steady time at which a message becomes due without a further event, if the peer can be sent to; max() for
  // never.
  [[nodiscard]] protocol::Nanoseconds send_deadline() const;

  [[nodiscard]] Connected connected(protocol::Now now) const;
  // True if everything that the peer's feed contained at the first HELLO of its present incarnation is merged here.
  [[nodiscard]] bool synchronised() const { return peer_.incarnation != 0 && at_.cursor >= sync_target_; }

  // How far the sending half is, in change numbers of this node's feed. durable <= merged <= sent.
  struct Cursors {
    ChangeNumber sent = 0;
    ChangeNumber merged = 0;   // acknowledged
    ChangeNumber durable = 0;  // in the peer's journal, as its ACK states
  };
  [[nodiscard]] Cursors cursors() const { return {sent_, acknowledged_, durable_}; }
  // Moving average over the ACKs and PONGs of the peer's present incarnation; 0 until one is measured.
  [[nodiscard]] protocol::Nanoseconds round_trip() const { return round_trip_; }
  // The peer's wall clock minus ours.
  [[nodiscard]] protocol::Nanoseconds skew() const { return skew_; }
  // 0 until the first HELLO.
  [[nodiscard]] std::uint64_t peer_incarnation() const { return peer_.incarnation; }
  // How often an ACK or a PONG was overdue, since the start.
  [[nodiscard]] std::uint64_t timeouts() const { return timeouts_; }
  // Batches in flight.
  [[nodiscard]] std::size_t in_flight() const { return flight_.size(); }

 private:
  struct InFlight {
    ChangeNumber to = 0;
    protocol::Nanoseconds sent_at{};
  };

  void begin_run(const protocol::Hello& hello, protocol::Now now, ChangeNumber feed_tail);
  void restart_handshake(protocol::Nanoseconds first_hello);
  void owe_welcome(std::uint64_t attempt);
  void advance(ChangeNumber merged, protocol::Nanoseconds now);
  void measured(protocol::Nanoseconds sample);
  [[nodiscard]] protocol::Nanoseconds answer_timeout() const;
  [[nodiscard]] protocol::Nanoseconds oldest_unanswered() const;
  [[nodiscard]] protocol::Hello hello(bool answer, protocol::Now now, ChangeNumber feed_tail) const;
  void hello_sent(protocol::Now now);
  void received(protocol::Now now);
  void answered(protocol::Now now);
  void add_newest(const Store& store, FeedRange& range);
  void add_successors(const Store& store, FeedRange& range) const;
  [[nodiscard]] bool may_send_batch() const;
  [[nodiscard]] bool lags(ChangeNumber feed_tail) const {
    return feed_tail - sent_ > limits_.max_in_flight * limits_.max_batch;
  }
  [[nodiscard]] bool must_ask(protocol::Now now) const;
  [[nodiscard]] bool waits_for_proof() const { return awaited_ > proven_ && flight_.empty(); }

  const Self* self_;
  PeerIndex index_;
  LinkLimits limits_;

  // The peer, as its newest HELLO names it.
  struct Peer {
    std::uint64_t incarnation = 0;  // 0: no HELLO yet
    std::uint64_t feed_id = 0;
  };
  Peer peer_;
  protocol::Nanoseconds received_at_;  // the newest message of its present incarnation
  protocol::Nanoseconds answered_at_;  // the newest message that shows that the peer receives ours
  protocol::Nanoseconds incarnation_began_at_;

  // The sending half: our feed.
  bool streaming_ = false;          // welcomed in the present attempt; else only HELLO and answers are sent
  std::uint64_t welcomed_run_ = 0;  // the run that this WELCOME named
  std::uint64_t attempt_ = 1;
  ChangeNumber acknowledged_ = 0;         // <= sent_
  ChangeNumber durable_ = 0;              // <= acknowledged_
  std::deque<ChangeNumber> proofs_;       // tails that batches of this attempt have reached, rising
  ChangeNumber proven_ = 0;               // the last of them that the peer reports as durable
  ChangeNumber awaited_ = 0;              // a reply waits for proven_ to reach this number
  protocol::Nanoseconds ask_at_{};        // when to ask again with an empty batch, if it does not
  ChangeNumber sent_ = 0;                 // `to` of the last batch
  ChangeNumber scanned_ = 0;              // >= sent_; nothing in (sent_, scanned_] is for this peer
  protocol::Nanoseconds scanned_at_{};    // since when an empty range waits to be sent
  ChangeNumber tail_sent_ = 0;            // a lagging link has sent the newest records up to here, out of order
  ChangeNumber tail_at_incarnation_ = 0;  // our feed's tail at the first HELLO of the peer's present incarnation
  std::deque<InFlight> flight_;
  unsigned unanswered_hellos_ = 0;
  protocol::Nanoseconds hello_due_{};
  protocol::Nanoseconds hello_sent_at_;
  std::uint64_t timeouts_ = 0;

  // The receiving half: the peer's feed.
  FeedPosition at_;                  // merged here without a gap
  ChangeNumber durable_cursor_ = 0;  // the same in our journal; <= at_.cursor
  ChangeNumber sync_target_ = 0;     // the peer's tail at the first HELLO of its present incarnation
  std::uint64_t ack_attempt_ = 0;
  std::uint64_t welcome_attempt_ = 0;

  // Answers that are owed until take_message() takes them.
  bool owe_hello_ = false;
  bool owe_hello_answer_ = false;
  bool owe_welcome_ = false;
  bool owe_ack_ = false;
  protocol::Nanoseconds ack_due_{};        // an owed ACK waits until then
  std::optional<std::uint64_t> owe_pong_;  // the nonce of the PING

  // Round trips.
  std::uint64_t ping_nonce_ = 0;
  std::optional<protocol::Now> ping_sent_;  // until its PONG comes
  protocol::Nanoseconds ping_due_{};
  protocol::Nanoseconds round_trip_{};
  protocol::Nanoseconds skew_{};
};

}  // namespace herd::bus
