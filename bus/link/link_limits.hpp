// The bounds and times of a link, each with its reason.
#pragma once

#include <chrono>
#include <cstddef>

#include "protocol/limits.hpp"

namespace herd::bus {

using namespace std::chrono_literals;

struct LinkLimits {
  std::size_t max_in_flight = 8;                       // batches not yet acknowledged
  std::size_t max_batch = protocol::kMaxBatchUpdates;  // updates in one batch
  bool prompt_durable = false;                         // tell at once what is kept, because peers' replies wait for it
  std::chrono::nanoseconds ack_delay{};  // a lone batch is acknowledged so much later, a second one at once
};

// A lone update is on its way through the whole herd before nodes spend time on telling each other that it came.
inline constexpr std::chrono::nanoseconds kAckDelay = 1ms;
inline constexpr std::chrono::nanoseconds kHelloInterval = 500ms;  // until a WELCOME comes
inline constexpr std::chrono::nanoseconds kHelloIntervalMax = 2s;  // back-off's end, while nothing is heard of the peer
inline constexpr std::chrono::nanoseconds kHelloSpacing = 50ms;    // between HELLOs that answer a mismatch
inline constexpr unsigned kHellosBeforeBackOff = 2;
inline constexpr std::chrono::nanoseconds kPingInterval = 1s;  // also how soon an idle link notices a silent reconnect
inline constexpr std::chrono::nanoseconds kSilence = 2500ms;   // nothing heard for so long: the link counts as lost
inline constexpr std::chrono::nanoseconds kAnswerTimeoutMin = 400ms;  // above a busy machine's scheduling hiccups
inline constexpr std::chrono::nanoseconds kAnswerTimeoutMax = 10s;
inline constexpr int kRoundTripsBeforeTimeout = 3;  // 2.5 at least, or a slow link rewinds for ever
inline constexpr std::chrono::nanoseconds kEmptyBatchDelay =
    200ms;  // a range with nothing for the peer may wait so long

// From one renewal of the feed to the next by one process, doubled each time: each makes the node send its whole feed
// to every peer, and a peer with a fault may ask for one with every WELCOME.
inline constexpr std::chrono::nanoseconds kRenewalSpacing = 10s;
inline constexpr std::chrono::nanoseconds kRenewalSpacingMax = 1h;

// Above so many superseded changes that are not yet on disk a lagging link does not look through their numbers,
// 2 MiB a batch, but leaves its cursor where it is until they are. A busy journal makes tens of thousands of them
// between two passes, and links that waited for it then fell behind for good; only a disk that fails makes more.
inline constexpr std::size_t kMaxSupersededScanned = 131'072;

// ZeroMQ's high-water mark of a sender, in messages: a flight and the answers owed fit, so a send is refused only by a
// stuck peer.
inline constexpr int kHighWaterMark = 16;
inline constexpr std::size_t kMaxInFlightCeiling = 8;
static_assert(kMaxInFlightCeiling + 8 <= kHighWaterMark,
              "HELLO, WELCOME, ACK, PONG, two DIGESTs, PULL and ANSWER must fit beside a full flight");

// What goes back from a ROUTER to a DEALER: CONFLICT, with two texts and a few numbers.
inline constexpr int kBackHighWaterMark = 4;
inline constexpr std::size_t kMaxBackMessageBytes = 1024;
static_assert(kMaxBackMessageBytes >= 2 * (protocol::kMaxAddressBytes + 3) + 6 * 9, "CONFLICT must fit one frame");

static_assert(kSilence > 2 * kPingInterval, "one lost ping must not count as a lost link");
static_assert(kRoundTripsBeforeTimeout * 2 >= 5);

}  // namespace herd::bus
