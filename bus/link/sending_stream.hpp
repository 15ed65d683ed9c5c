// The sending half of a link: the stream of batches by which this node's feed reaches one peer.
//
// The stream is open from the WELCOME to the present attempt until the next handshake. Its cursors are change numbers
// of our feed; each batch moves `sent`, and each ACK moves `acknowledged` and `durable`:
//
//   durable <= acknowledged <= sent <= scanned <= the feed's tail
//
//   start(100)        a WELCOME: everything up to 100 is merged at the peer
//   sent(140)         a batch (100, 140] is in flight; 120 of its records came from this peer and are left out
//   sent(180)         a batch (140, 180]; several may be in flight, at most max_in_flight
//   ACK 180, 140      both batches are merged, the first is in the peer's journal: acknowledged = 180, durable = 140
//   stop()            an answer is overdue, or the peer has gone: `sent` goes back to acknowledged, nothing is in
//   flight
//
// Records in (sent, scanned] are all known to the peer. The next batch covers them too; if none follows for
// kEmptyBatchDelay, an empty one does.
//
// The stream lags if more changes are unsent than max_in_flight full batches can hold. Then each of its batches also
// has newest records, out of order (bus/link/out_of_order_plan.hpp).
//
// Reads the store, and has no copy of a record: memory is bounded by max_in_flight. Owned by the link
// (bus/link/link.hpp), which checks the incarnations of messages first; loop thread only. docs/PROTOCOL.md (rules 5 to
// 9, 12, 13) has the rules.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>

#include "bus/link/feed_range.hpp"
#include "bus/link/known_to_peer.hpp"
#include "bus/link/link_limits.hpp"
#include "bus/link/out_of_order_plan.hpp"
#include "bus/link/proof_of_durability.hpp"
#include "bus/link/round_trip.hpp"
#include "bus/store/runs.hpp"
#include "bus/store/store.hpp"
#include "protocol/clock.hpp"
#include "protocol/messages.hpp"

namespace herd::bus {

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

class SendingStream {
 public:
  // `peer`: its index among the replica's peers, as the store records it. At first the stream is closed.
  SendingStream(PeerIndex peer, const LinkLimits& limits);

  // ---- begin and end ----
  // A new incarnation of the peer: all that the former one acknowledged or proved is void. Call stop() next.
  void begin_incarnation(ChangeNumber feed_tail);
  // The node has renewed its feed: all that the peer acknowledged of the former feed is void. Call stop() next.
  void begin_feed();
  // Opens the stream at the cursor of a WELCOME to the present attempt, also if it is below the acknowledged one: the
  // peer knows what it holds. If the result is Foreign, nothing has changed.
  [[nodiscard]] CursorClaim start(const protocol::Welcome& welcome, const OurFeed& feed);
  // Closes the stream and returns to the acknowledged cursor.
  void stop();
  [[nodiscard]] bool is_open() const { return is_open_; }

  // ---- acknowledgements ----
  // An ACK of the present incarnations, which may be to a former attempt: what is merged stays merged. The time of each
  // batch that it acknowledges is a sample for `round_trip`. If the result is Foreign, nothing has changed.
  [[nodiscard]] CursorClaim acknowledge(const protocol::Ack& ack, ChangeNumber feed_tail, protocol::Nanoseconds now,
                                        RoundTrip& round_trip);
  // The proofs of what is in the peer's journal, for replies that wait for them.
  void await(ChangeNumber number) { proof_.await(number); }
  [[nodiscard]] ChangeNumber proven() const { return proof_.proven(); }

  // ---- batches ----
  // The change number after which the next record for this peer may come; the tail if there is nothing to send. `from`
  // of the next batch may be lower, because nothing between the two is for this peer. nullopt if no batch may be sent
  // now, or if the stream lags: then only next_range() can compose the batch.
  [[nodiscard]] std::optional<ChangeNumber> next_number(ChangeNumber feed_tail) const;
  // The feed range of the next batch, for sent(). It has about max_batch records in order and successors; a lagging
  // stream reads half as many in order and adds newest ones. The caller shortens a range that does not fit the body.
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
  // A batch that ends at `to` is sent now. Returns its `from`, the `to` of the batch before. Call it only after
  // next_range() or next_number() returned a value.
  [[nodiscard]] ChangeNumber sent(ChangeNumber to, ChangeNumber feed_tail, protocol::Nanoseconds now,
                                  const RoundTrip& round_trip);
  // Cheap test for whether next_range() may return something now, although deadline() is not reached. May be a false
  // positive, never a false negative.
  [[nodiscard]] bool wants_to_send(ChangeNumber feed_tail) const {
    return is_open_ && has_room() && std::max(sent_, scanned_) != feed_tail;
  }
  // When next_range() has an empty batch without a further event, by the steady clock; max() for never.
  [[nodiscard]] protocol::Nanoseconds deadline() const;

  // ---- state ----
  // The records that need not be sent to the peer.
  [[nodiscard]] const KnownToPeer& known() const { return known_; }
  struct Cursors {
    ChangeNumber sent = 0;
    ChangeNumber merged = 0;   // acknowledged
    ChangeNumber durable = 0;  // in the peer's journal, as its ACK states
  };
  [[nodiscard]] Cursors cursors() const { return {sent_, acknowledged_, durable_}; }
  [[nodiscard]] const LinkLimits& limits() const { return limits_; }
  // Batches in flight.
  [[nodiscard]] std::size_t in_flight() const { return flight_.size(); }
  // Since when the oldest batch in flight is not acknowledged, by the steady clock; max() if none is in flight.
  [[nodiscard]] protocol::Nanoseconds unanswered_since() const {
    return flight_.empty() ? protocol::Nanoseconds::max() : flight_.front().sent_at;
  }

  // Asserts that the members have their legal values and agree. O(batches in flight).
  void check_invariants(ChangeNumber feed_tail) const;

 private:
  struct InFlight {
    ChangeNumber to = 0;
    protocol::Nanoseconds sent_at{};
  };

  void advance(ChangeNumber merged, protocol::Nanoseconds now, RoundTrip& round_trip);
  [[nodiscard]] std::optional<FeedRange> empty_range(FeedRange range, ChangeNumber feed_tail,
                                                     protocol::Nanoseconds now);
  [[nodiscard]] FeedRange read_in_order(const Store& store, ChangeNumber end, std::size_t most) const;
  [[nodiscard]] bool has_room() const { return flight_.size() < limits_.max_in_flight; }
  [[nodiscard]] bool may_send() const;
  [[nodiscard]] bool lags(ChangeNumber feed_tail) const {
    return feed_tail - sent_ > limits_.max_in_flight * limits_.max_batch;
  }
  [[nodiscard]] bool waits_for_proof() const { return is_open_ && proof_.is_awaited() && flight_.empty(); }
  [[nodiscard]] bool must_ask(protocol::Nanoseconds now) const;

  LinkLimits limits_;
  KnownToPeer known_;
  OutOfOrderPlan out_of_order_;
  ProofOfDurability proof_;

  bool is_open_ = false;
  ChangeNumber acknowledged_ = 0;       // <= sent_
  ChangeNumber durable_ = 0;            // <= acknowledged_
  ChangeNumber sent_ = 0;               // `to` of the last batch; acknowledged_ if the stream is closed
  ChangeNumber scanned_ = 0;            // >= sent_; nothing in (sent_, scanned_] is for this peer
  protocol::Nanoseconds scanned_at_{};  // steady; since when an empty range waits to be sent, if scanned_ > sent_
  std::deque<InFlight> flight_;         // rising, from acknowledged_ to sent_; empty if the stream is closed
};

}  // namespace herd::bus
