// When a link's peer was last received, and when it last answered; and so the state of the link that operators see. The
// state does not control the stream of batches: the rules about names use it, and it decides when the connection is
// opened again.
//
// All times are steady. Owned by the link (bus/link/link.hpp); loop thread only. docs/PROTOCOL.md (rule 11) has the
// rule.
#pragma once

#include <cstdint>

#include "protocol/clock.hpp"

namespace herd::bus {

// The state of a link. A new incarnation of the peer counts as Down until it answers, but after kSilence as Half.
enum class Connected : std::uint8_t {
  Down,  // nothing was received from the peer for kSilence, or its BYE was
  Half,  // messages come from the peer, but no answer to ours for kSilence
  Up,    // both directions have worked within kSilence
};

class Liveness {
 public:
  // A HELLO of a new incarnation of the peer came: it has answered nothing yet.
  void begin_incarnation(protocol::Nanoseconds now);
  // A message of the peer's present incarnation came.
  void received(protocol::Nanoseconds now) { received_at_ = now; }
  // The same, and the message shows that the peer receives ours.
  void answered(protocol::Nanoseconds now) { received_at_ = answered_at_ = now; }
  // The peer has stopped (BYE): the link is Down at once.
  void stopped() { received_at_ = answered_at_ = kLongAgo; }

  [[nodiscard]] Connected connected(protocol::Nanoseconds now) const;
  // When connected() may change next without a message; max() for never.
  [[nodiscard]] protocol::Nanoseconds deadline(protocol::Nanoseconds now) const;
  // The last received(), answered() or HELLO; long ago if there was none.
  [[nodiscard]] protocol::Nanoseconds received_at() const { return received_at_; }

  // Asserts that the members have their legal values. O(1).
  void check_invariants() const;

 private:
  static constexpr protocol::Nanoseconds kLongAgo = protocol::Nanoseconds::min() / 2;

  protocol::Nanoseconds received_at_ = kLongAgo;           // the newest message of the present incarnation
  protocol::Nanoseconds answered_at_ = kLongAgo;           // the newest one that shows that the peer receives ours
  protocol::Nanoseconds incarnation_began_at_ = kLongAgo;  // the first HELLO of the present incarnation
};

}  // namespace herd::bus
