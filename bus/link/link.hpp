// One link to one peer: how the two feeds travel over it. It is two independent halves. The sending half reads this
// node's feed with a cursor and offers batches until they are acknowledged; the receiving half knows how far the peer's
// feed is merged here, and owes it answers. docs/PROTOCOL.md says why each rule is there.
//
// Pure: time comes in, messages go out. Owned by the replica, used on the loop's thread only. Nothing here blocks, and
// nothing grows: what is owed is a flag, what is unsent is a cursor, what is in flight is bounded.
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

// This node, in this life.
struct Self {
  std::string herd;
  std::string node;
  std::uint64_t incarnation = 0;  // random, never 0
  std::uint64_t feed_id = 0;      // random, never 0
  std::string address{};          // the bus address at which peers reach it, for people
};

enum class Connected : std::uint8_t {
  Down,  // nothing is heard from the peer
  Half,  // the peer is heard, but does not answer us
  Up,    // both directions work
};

// This node's feed now, as peers' positions in it are judged.
struct OurFeed {
  const Runs& runs;
  ChangeNumber tail = 0;
  ChangeNumber written = 0;  // the journal holds it up to here
};

// What a peer's cursor in this node's feed shows.
enum class CursorClaim : std::uint8_t {
  Possible,
  Foreign,  // the peer merged changes of this feed that this node's journal does not know: it is not the newest
};

// A stretch of the feed for one peer: how far the cursor moves by it, and the records to send.
struct FeedRange {
  ChangeNumber from = 0;
  ChangeNumber to = 0;
  std::vector<Feed::Entry> records{};  // those in (from, to], in order
  std::vector<Feed::Entry> newest{};   // some ahead of it, in order; any of them may be left out
  bool shareable = true;               // nothing in it depends on this peer: another link may send the same ...
  std::uint64_t sources = 0;           // ... unless its peer told some of it: a bit for each link that records came by

  // A record that goes along because it superseded one of the range, and a crash now would bring that one back.
  struct Successor {
    ChangeNumber old = 0;  // in (from, to]
    RecordIndex index = 0;
    bool operator==(const Successor&) const = default;
  };
  std::vector<Successor> successors{};
};

class Link {
 public:
  Link(const Self& self, PeerIndex index, LinkLimits limits);

  // What the peer says. `feed_tail` is the tail of this node's feed now.
  void receive(const protocol::Hello& hello, protocol::Now now, ChangeNumber feed_tail);
  // A message with a foreign cursor is not used.
  [[nodiscard]] CursorClaim receive(const protocol::Welcome& welcome, protocol::Now now, const OurFeed& feed);
  [[nodiscard]] CursorClaim receive(const protocol::Ack& ack, protocol::Now now, ChangeNumber feed_tail);
  void receive(const protocol::Ping& ping, protocol::Now now);
  void receive(const protocol::Pong& pong, protocol::Now now);
  void receive(const protocol::Bye& bye, protocol::Now now);
  // It has refused this process's HELLO: the next one follows after kHelloInterval, without backing off.
  void refused() { unanswered_hellos_ = 0; }

  // This node has renewed its feed: nothing that the peer said about the former one counts.
  void begin_feed(protocol::Now now);

  // What a journal kept of the peer's feed: reading goes on there, if the peer still has that feed.
  void restore(const PeerCursor& durable);
  // How far the peer's feed is merged here, for the journal to keep ...
  [[nodiscard]] PeerCursor peer_cursor(const std::string& peer) const { return {peer, peer_.feed_id, at_}; }
  // ... and it has: the peer is told so.
  void cursor_durable(const PeerCursor& durable);

  // A reply waits until the peer keeps whatever stood at this number of our feed.
  void await(ChangeNumber number) { awaited_ = number; }
  // All that was live in our feed at this number, or something newer, is in the peer's journal.
  [[nodiscard]] ChangeNumber proven() const { return proven_; }

  // A batch of the peer's present life for ours? If not, its updates must not be used, and a WELCOME is owed.
  [[nodiscard]] bool accepts(const protocol::Batch& batch, protocol::Now now);
  // Its updates are merged (also where it left a gap): the cursor moves, or a WELCOME says where to go on. In the turn
  // in which it was accepted: from then on counts how long its acknowledgement may wait.
  void merged(const protocol::Batch& batch);

  // What to say next that is no batch: owed answers first, then what time demands. It counts as said when it is taken.
  [[nodiscard]] std::optional<protocol::Message> take_message(protocol::Now now, ChangeNumber feed_tail);

  // The number behind which the next stretch begins, if the flight has room and this peer keeps up.
  [[nodiscard]] std::optional<ChangeNumber> next_number(ChangeNumber feed_tail) const;
  [[nodiscard]] std::size_t max_batch() const { return limits_.max_batch; }
  [[nodiscard]] std::size_t max_in_flight() const { return limits_.max_in_flight; }
  // The next stretch of the feed to send, if the flight has room and there is something worth a message. It ends at
  // `end` at the latest, if there is something to send up to there.
  [[nodiscard]] std::optional<FeedRange> next_range(const Store& store, protocol::Now now, ChangeNumber end);
  // The stretch must end at `to`, because its bytes are too many. True if it has changed by more than that, so that it
  // must be encoded again.
  [[nodiscard]] bool shorten(const Store& store, FeedRange& range, ChangeNumber to) const;
  // The feed up to `to` (at most the stretch's end: a batch is bounded in bytes too) goes out now. `written`: the
  // journal holds the feed up to there.
  [[nodiscard]] protocol::Batch send(ChangeNumber to, const Store& store, ChangeNumber written, protocol::Now now);
  // Would a record be left out for this peer, because its present life told us?
  [[nodiscard]] bool knows(const Store& store, const Feed::Entry& entry) const;

  // A batch has come that is not acknowledged yet.
  [[nodiscard]] bool owes_ack() const { return owe_ack_; }
  // Is there something to say, or to send, if the peer can be sent to? May say yes for nothing, never no for something.
  [[nodiscard]] bool wants_to_send(protocol::Now now, ChangeNumber feed_tail) const;

  // For the comparison of stores (bus/link/reconciler.hpp). HELLO is said, so that both sides' cursors are stated anew.
  void request_hello() { owe_hello_ = true; }
  // Welcomed in the present attempt: batches flow.
  [[nodiscard]] bool streaming() const { return streaming_; }
  // How far the peer's feed is merged here, and which that is.
  [[nodiscard]] ChangeNumber cursor() const { return at_.cursor; }
  [[nodiscard]] std::uint64_t peer_feed() const { return peer_.feed_id; }
  // The lives that a message names: are they the present ones, and what to name.
  [[nodiscard]] bool is_current(const protocol::Incarnations& incarnations) const;
  [[nodiscard]] protocol::Incarnations incarnations() const { return {self_->incarnation, peer_.incarnation}; }

  // Notices that an answer is overdue. Call it once a turn, before the messages are taken.
  void tick(protocol::Now now);

  // When tick() next has something to notice, or connected() changes, in steady time; max() for never.
  [[nodiscard]] protocol::Nanoseconds tick_deadline(protocol::Now now) const;
  // When there is next something to say, if the peer can be sent to at all; max() for never.
  [[nodiscard]] protocol::Nanoseconds send_deadline() const;

  [[nodiscard]] Connected connected(protocol::Now now) const;
  // Everything that stood in the peer's feed when it first said HELLO is merged here.
  [[nodiscard]] bool synchronised() const { return peer_.incarnation != 0 && at_.cursor >= sync_target_; }

  struct Cursors {
    ChangeNumber sent = 0;
    ChangeNumber merged = 0;
    ChangeNumber durable = 0;
  };
  [[nodiscard]] Cursors cursors() const { return {sent_, acknowledged_, durable_}; }
  [[nodiscard]] protocol::Nanoseconds round_trip() const { return round_trip_; }
  [[nodiscard]] protocol::Nanoseconds skew() const { return skew_; }
  [[nodiscard]] std::uint64_t peer_incarnation() const { return peer_.incarnation; }
  [[nodiscard]] std::uint64_t timeouts() const { return timeouts_; }
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
  [[nodiscard]] bool has_room() const;
  [[nodiscard]] bool lags(ChangeNumber feed_tail) const {
    return feed_tail - sent_ > limits_.max_in_flight * limits_.max_batch;
  }
  [[nodiscard]] bool must_ask(protocol::Now now) const;
  [[nodiscard]] bool waits_for_proof() const { return awaited_ > proven_ && flight_.empty(); }

  const Self* self_;
  PeerIndex index_;
  LinkLimits limits_;

  // The peer, as its newest HELLO says.
  struct Peer {
    std::uint64_t incarnation = 0;  // 0: never heard
    std::uint64_t feed_id = 0;
  };
  Peer peer_;
  protocol::Nanoseconds received_at_;  // anything of its present life
  protocol::Nanoseconds answered_at_;  // anything that shows that it hears us
  protocol::Nanoseconds incarnation_began_at_;

  // The sending half: our feed.
  bool streaming_ = false;          // welcomed in the present attempt; else only HELLO is said
  std::uint64_t welcomed_run_ = 0;  // of that WELCOME
  std::uint64_t attempt_ = 1;
  ChangeNumber acknowledged_ = 0;         // <= sent_
  ChangeNumber durable_ = 0;              // <= acknowledged_
  std::deque<ChangeNumber> proofs_;       // tails that batches of this attempt have reached, rising
  ChangeNumber proven_ = 0;               // the last of them that the peer keeps
  ChangeNumber awaited_ = 0;              // a reply waits for proven_ to reach it
  protocol::Nanoseconds ask_at_{};        // when to ask again, if it does not
  ChangeNumber sent_ = 0;                 // the last batch's `to`
  ChangeNumber scanned_ = 0;              // >= sent_; nothing for this peer stands in (sent_, scanned_]
  protocol::Nanoseconds scanned_at_{};    // since when an empty range waits to be sent
  ChangeNumber tail_sent_ = 0;            // a lagging link was sent newest records up to here, out of order
  ChangeNumber tail_at_incarnation_ = 0;  // our feed's tail when the peer's present life became known
  std::deque<InFlight> flight_;
  unsigned unanswered_hellos_ = 0;
  protocol::Nanoseconds hello_due_{};
  protocol::Nanoseconds hello_sent_at_;
  std::uint64_t timeouts_ = 0;  // answers that did not come in time

  // The receiving half: the peer's feed.
  FeedPosition at_;                  // merged here without a gap
  ChangeNumber durable_cursor_ = 0;  // ... and in our journal; <= its cursor
  ChangeNumber sync_target_ = 0;
  std::uint64_t ack_attempt_ = 0;
  std::uint64_t welcome_attempt_ = 0;

  // Owed, until it is taken.
  bool owe_hello_ = false;
  bool owe_hello_answer_ = false;
  bool owe_welcome_ = false;
  bool owe_ack_ = false;
  protocol::Nanoseconds ack_due_{};  // if so, not before
  std::optional<std::uint64_t> owe_pong_;

  // Round trips.
  std::uint64_t ping_nonce_ = 0;
  std::optional<protocol::Now> ping_sent_;
  protocol::Nanoseconds ping_due_{};
  protocol::Nanoseconds round_trip_{};
  protocol::Nanoseconds skew_{};
};

}  // namespace herd::bus
