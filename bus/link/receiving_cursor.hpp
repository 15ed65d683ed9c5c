// The receiving half of a link: how far the peer's feed is merged here, how far that is in this node's journal, and the
// ACK that states both.
//
//   batch (0, 5]      merged: the position is 5, an ACK is owed
//   batch (5, 9]      merged: the position is 9; a second batch, so the ACK is due at once
//   batch (12, 14]    leaves a gap: its updates count, but the position stays at 9, and a WELCOME must say so
//   flush of 5        the journal contains the position 5: the next ACK says merged = 9, durable = 5
//
// A position belongs to one feed id of the peer and names the peer's run that sent the last batch. Change numbers are
// those of the peer's feed. Owned by the link (bus/link/link.hpp), which checks the incarnations of messages first;
// loop thread only. docs/PROTOCOL.md (rules 5, 6 and 14) has the rules.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "bus/link/link_limits.hpp"
#include "bus/store/feed_position.hpp"
#include "protocol/clock.hpp"
#include "protocol/messages.hpp"

namespace herd::bus {

class ReceivingCursor {
 public:
  // `restored`: the position that the journal holds; its `peer` is not used. Reading continues there if the peer still
  // has that feed id, else at the feed's beginning. A position with run 0 is not used.
  ReceivingCursor(const LinkLimits& limits, const PeerCursor& restored);

  // From now on ACKs are due as `limits` state: prompt_durable and ack_delay. One that is owed already stays as it is.
  void use(const LinkLimits& limits);

  // ---- received messages ----
  // The first HELLO of a new incarnation of the peer. `feed_tail`: the peer's. What is owed to the former one is void.
  void begin_incarnation(ChangeNumber feed_tail);
  // A HELLO names the feed id of the peer. If it is another one than before, reading starts at the feed's beginning,
  // also for a former feed id that comes back.
  void read_feed(std::uint64_t feed_id);
  // The updates of a batch are merged. Moves the position to the batch's end and owes an ACK, which may wait for
  // ack_delay after `received_at`, unless one is owed already. False: the batch begins after the position, or belongs
  // to an unknown run. Then the position stays, and a WELCOME must tell the peer where to continue.
  [[nodiscard]] bool merged(const protocol::Batch& batch, protocol::Nanoseconds received_at);
  // The peer has stopped (BYE): no ACK is owed.
  void stopped() { owe_ack_ = false; }

  // The journal has written this position. The next ACK reports it as durable; with prompt_durable an ACK is owed at
  // once. A position of another feed or run than the present one is ignored.
  void durable(const PeerCursor& written);

  // ---- messages to send ----
  // The ACK, if it is due; it counts as sent. `incarnations`: to name in it.
  [[nodiscard]] std::optional<protocol::Ack> take_ack(const protocol::Incarnations& incarnations,
                                                      protocol::Nanoseconds now);
  // True if a received batch is not acknowledged yet, or, with prompt_durable, a durable position is not reported yet.
  [[nodiscard]] bool owes_ack() const { return owe_ack_; }
  // When the ACK is due; max() if none is owed.
  [[nodiscard]] protocol::Nanoseconds ack_deadline() const {
    return owe_ack_ ? ack_due_ : protocol::Nanoseconds::max();
  }

  // ---- state ----
  [[nodiscard]] std::uint64_t feed_id() const { return feed_id_; }
  [[nodiscard]] const FeedPosition& position() const { return at_; }
  // The same, for the journal to write.
  [[nodiscard]] PeerCursor as_peer_cursor(const std::string& peer) const { return {peer, feed_id_, at_}; }
  // True if everything is merged that the peer's feed contained at the first HELLO of its present incarnation.
  [[nodiscard]] bool synchronised() const { return sync_target_ && at_.cursor >= *sync_target_; }

  // Asserts that the members have their legal values. O(1).
  void check_invariants() const;

 private:
  bool prompt_durable_;
  protocol::Nanoseconds ack_delay_;

  std::uint64_t feed_id_ = 0;                // of the peer's feed that at_ belongs to; 0: not known yet
  FeedPosition at_;                          // merged here without a gap
  ChangeNumber durable_ = 0;                 // the same in our journal; <= at_.cursor
  std::optional<ChangeNumber> sync_target_;  // the peer's tail at its first HELLO; nullopt: no HELLO has come
  std::uint64_t ack_attempt_ = 0;  // the highest attempt of the merged batches; 0: no batch of this incarnation
  bool owe_ack_ = false;
  protocol::Nanoseconds ack_due_{};  // steady; an owed ACK waits until then
};

}  // namespace herd::bus
