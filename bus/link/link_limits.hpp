// The bounds and times of a link (bus/link/link.hpp), each with its reason.
#pragma once

#include <chrono>
#include <cstddef>

#include "protocol/limits.hpp"

namespace herd::bus {

using namespace std::chrono_literals;

struct LinkLimits {
  std::size_t max_in_flight = 8;                       // batches not yet acknowledged; 1 to kMaxInFlightCeiling
  std::size_t max_batch = protocol::kMaxBatchUpdates;  // updates in one batch; 1 to kMaxBatchUpdates
  bool prompt_durable = false;           // send an ACK as soon as the journal has written: replies of peers wait for it
  std::chrono::nanoseconds ack_delay{};  // how long the ACK of a lone batch may wait; at a second batch it is sent
};

// So that a lone update has passed through the whole herd before nodes spend time on acknowledgements.
inline constexpr std::chrono::nanoseconds kAckDelay = 1ms;
inline constexpr std::chrono::nanoseconds kHelloInterval = 500ms;  // between HELLOs until a WELCOME comes
inline constexpr std::chrono::nanoseconds kHelloIntervalMax = 2s;  // the longest backoff, while nothing is received
inline constexpr std::chrono::nanoseconds kHelloSpacing = 50ms;    // between HELLOs that answer a mismatch, at least
inline constexpr unsigned kHellosBeforeBackoff = 2;  // unanswered HELLOs at kHelloInterval, before backoff begins
// Also bounds how late an idle link notices that the peer ignores it: after a reconnection the peer treats it as a
// stranger until a HELLO comes.
inline constexpr std::chrono::nanoseconds kPingInterval = 1s;
inline constexpr std::chrono::nanoseconds kSilence = 2500ms;  // without a message for this long the link is down
inline constexpr std::chrono::nanoseconds kAnswerTimeoutMin = 400ms;  // above the scheduling delays of a busy machine
inline constexpr std::chrono::nanoseconds kAnswerTimeoutMax = 10s;
inline constexpr int kRoundTripsBeforeTimeout = 3;  // at least 2.5, or a slow link rewinds again and again
// How long a feed range without records for the peer may wait for a batch that covers it too.
inline constexpr std::chrono::nanoseconds kEmptyBatchDelay = 200ms;

// Between a process's first and second renewal of its feed, at least; it doubles at each further renewal, up to
// kRenewalSpacingMax. A renewal makes the node send its whole feed to every peer, and a faulty peer may cause one with
// every WELCOME.
inline constexpr std::chrono::nanoseconds kRenewalSpacing = 10s;
inline constexpr std::chrono::nanoseconds kRenewalSpacingMax = 1h;

// The most superseded changes not yet on disk that a lagging link scans for a batch: 2 MiB. With more it does not move
// its cursor until the journal has caught up. Between two flushes a busy journal has tens of thousands of them. With a
// bound below that, links waited for the journal and never caught up again. Only a failing disk exceeds this one.
inline constexpr std::size_t kMaxSupersededScanned = 131'072;

// ZeroMQ's high-water mark of a DEALER, in messages. All batches in flight and all owed answers fit, so a send fails
// only if the peer is stuck.
inline constexpr int kHighWaterMark = 16;
inline constexpr std::size_t kMaxInFlightCeiling = 8;
static_assert(kMaxInFlightCeiling + 8 <= kHighWaterMark,
              "HELLO, WELCOME, ACK, PONG, two DIGESTs, PULL and ANSWER must fit beside all batches in flight");

// The high-water mark, in messages, and the longest message from a ROUTER back to a DEALER. Only CONFLICT goes this
// way; it has two texts and a few numbers.
inline constexpr int kBackHighWaterMark = 4;
inline constexpr std::size_t kMaxBackMessageBytes = 1024;
static_assert(kMaxBackMessageBytes >= 2 * (protocol::kMaxAddressBytes + 3) + std::size_t{6} * 9,
              "CONFLICT must fit one frame");

static_assert(kSilence > 2 * kPingInterval, "one lost ping must not count as a lost link");
static_assert(kRoundTripsBeforeTimeout * 2 >= 5);

}  // namespace herd::bus
