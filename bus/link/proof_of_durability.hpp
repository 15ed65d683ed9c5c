// Whether the peer's journal holds this node's feed up to a number, for replies to clients that wait for it.
//
// An ACK states a durable number. It proves something only if a batch of the present attempt ended there as the tail:
// only then is it known that the peer was sent everything up to it, because batches leave out records.
//
//   batch (0, 4], and 9 is the tail     no proof
//   batch (4, 9], and 9 is the tail     9 may be proven
//   ACK durable = 7                     nothing is proven
//   ACK durable = 9                     proven = 9
//
// While a reply waits for a higher number and nothing is in flight, the stream asks again with an empty batch, one
// answer timeout after the batch before. Numbers are those of our feed. Part of the sending half of a link
// (bus/link/sending_stream.hpp); loop thread only. docs/PROTOCOL.md (rule 12) has the rule.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>

#include "bus/store/record.hpp"
#include "protocol/assert.hpp"
#include "protocol/clock.hpp"

namespace herd::bus {

class ProofOfDurability {
 public:
  // A reply waits until proven() is at least this number; 0: none waits.
  void await(ChangeNumber number) { awaited_ = number; }
  // The peer's journal holds every record that was live in our feed when this number was its tail, or a newer record of
  // the same client. 0: nothing is proven.
  [[nodiscard]] ChangeNumber proven() const { return proven_; }
  [[nodiscard]] bool is_awaited() const { return awaited_ > proven_; }
  // When to ask again, by the steady clock, if a reply still waits and nothing is in flight.
  [[nodiscard]] protocol::Nanoseconds ask_at() const { return ask_at_; }

  // A batch was sent; if it brings no proof, ask again at this steady time.
  void batch_sent(protocol::Nanoseconds ask_at) { ask_at_ = ask_at; }
  // The last batch ended at `tail`, the tail of our feed.
  void tail_sent(ChangeNumber tail) {
    if (tails_.empty() || tails_.back() < tail) tails_.push_back(tail);
  }
  // The peer's journal contains its copy of our feed up to this number.
  void durable(ChangeNumber number);
  // The attempt has ended: batches that were sent in it prove nothing any more. What is proven stays.
  void forget_batches() { tails_.clear(); }
  // Nothing is proven: the peer, or our feed, is another one.
  void reset() { proven_ = 0; }

  // Asserts that the members have their legal values. `sent`: the end of the last batch. O(batches in flight).
  void check_invariants(ChangeNumber sent) const {
    HERD_ASSERT(std::is_sorted(tails_.begin(), tails_.end(), std::less_equal<>()));
    HERD_ASSERT(tails_.empty() || tails_.back() <= sent);
  }

 private:
  std::deque<ChangeNumber>
      tails_;                 // that batches of this attempt have reached, rising; at most the end of the last one
  ChangeNumber proven_ = 0;   // the last of them that the peer reported as durable
  ChangeNumber awaited_ = 0;  // 0: no reply waits
  protocol::Nanoseconds ask_at_{};
};

}  // namespace herd::bus
