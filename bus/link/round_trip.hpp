// The round trip of a link, the skew between the peer's clock and ours, and PING and PONG, which measure both. The
// moving average of the round trip decides how long the link waits for an answer before it counts as overdue.
//
// A PING is sent every kPingInterval while the stream of batches is open, unless the one before is unanswered. The time
// between a batch and its ACK is a sample of the round trip too. Samples and skew are nanoseconds.
//
//   PING 7 ->            at 100 ms by both of our clocks
//          <- PONG 7     at 120 ms; the peer's clock said 5,110 ms: the sample is 20 ms, the skew is 5,000 ms
//
// Owned by the link (bus/link/link.hpp); loop thread only. docs/PROTOCOL.md (rules 6 and 11) has the rules.
#pragma once

#include <cstdint>
#include <optional>

#include "protocol/clock.hpp"
#include "protocol/messages.hpp"

namespace herd::bus {

class RoundTrip {
 public:
  // A new incarnation of the peer: what was measured with the former one is void, and no answer is owed to it.
  void begin_incarnation();
  // The stream of batches is open from now on: a PING is due.
  void start(protocol::Nanoseconds now);
  // The stream has ended: no PING is sent, and the last one needs no answer.
  void stop();

  // ---- received messages ----
  // The clock in the peer's HELLO. It ignores the way of the message; the next PONG is more exact.
  void receive(const protocol::Hello& hello, protocol::Now now);
  // Owes a PONG.
  void receive(const protocol::Ping& ping) { owe_pong_ = ping.nonce; }
  // A PONG with another nonce than that of the last PING is ignored.
  void receive(const protocol::Pong& pong, protocol::Now now);

  // ---- samples ----
  // The time from a message to its answer.
  void measured(protocol::Nanoseconds sample);
  // An answer is overdue, after this wait. The wait counts as a sample: else a slow peer would time out each time,
  // because no round trip is ever measured.
  void timed_out(protocol::Nanoseconds waited);

  // ---- messages to send ----
  // A PONG that is owed, or a PING that is due; it counts as sent.
  [[nodiscard]] std::optional<protocol::Message> take(protocol::Now now);
  [[nodiscard]] bool owes_pong() const { return owe_pong_.has_value(); }
  // When the next PING is due; max() for never.
  [[nodiscard]] protocol::Nanoseconds ping_deadline() const { return ping_sent_ ? kNever : ping_due_; }

  // ---- results ----
  // How long to wait for an ACK or a PONG: kRoundTripsBeforeTimeout round trips, at least kAnswerTimeoutMin, at most
  // kAnswerTimeoutMax.
  [[nodiscard]] protocol::Nanoseconds answer_timeout() const;
  // Since when a PING is unanswered, by the steady clock; max() if none is.
  [[nodiscard]] protocol::Nanoseconds unanswered_since() const;
  // The moving average over the samples of the peer's present incarnation; 0 until there is one.
  [[nodiscard]] protocol::Nanoseconds average() const { return average_; }
  // The peer's wall clock minus ours; any value.
  [[nodiscard]] protocol::Nanoseconds skew() const { return skew_; }
  // How often an answer was overdue, since the start.
  [[nodiscard]] std::uint64_t timeouts() const { return timeouts_; }

  // Asserts that the members have their legal values. O(1).
  void check_invariants() const;

 private:
  static constexpr protocol::Nanoseconds kNever = protocol::Nanoseconds::max();

  std::uint64_t ping_nonce_ = 0;             // of the last PING; 0: none was sent
  std::optional<protocol::Now> ping_sent_;   // when, until its PONG comes; nullopt if the stream is not open
  protocol::Nanoseconds ping_due_ = kNever;  // kNever: the stream is not open
  std::optional<std::uint64_t> owe_pong_;    // the nonce of the PING that it answers
  protocol::Nanoseconds average_{};          // never negative; 0: none measured
  protocol::Nanoseconds skew_{};
  std::uint64_t timeouts_ = 0;
};

}  // namespace herd::bus
