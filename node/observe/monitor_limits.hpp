// The bounds of the monitor, each with its reason. Everything that a viewer or a stranger at its port can make the node
// keep or do has one.
#pragma once

#include <chrono>
#include <cstddef>

#include "protocol/limits.hpp"

namespace herd::node {

// Connections to the monitor in all, handshakes included; fewer where there are few descriptors (descriptor_limit.hpp).
inline constexpr std::size_t kMaxViewers = 1'024;

// Of all descriptors, viewers get a 16th: 64 where there are 1,024, all of kMaxViewers from 16,384 on. Clients get what
// is left, so none of theirs is ever a viewer's or a stranger's at the monitor.
inline constexpr std::size_t kViewersPart = 16;
inline constexpr std::size_t kFewestViewers = 4;

// Messages that wait for a viewer before it loses some: two full batches of updates, which may arrive in one iteration
// of the loop. A message is some 330 bytes, and viewers share it.
inline constexpr std::size_t kViewerQueue = 2 * protocol::kMaxBatchUpdates;

// The same in bytes, for messages that hold a long text.
inline constexpr std::size_t kViewerQueueBytes = std::size_t{1024} * 1024;

// Distinct messages that wait for any viewers, in bytes. Above it the viewer that has taken nothing for longest is
// disconnected. A hundred viewers that stopped at different times fit.
inline constexpr std::size_t kAllQueuedBytes = std::size_t{32} * 1024 * 1024;

// A greeting and READY take one round trip; as long as the bus gives its own connections.
inline constexpr std::chrono::milliseconds kViewerHandshakeTime{2'000};

// How often connections whose handshake is under way are looked at.
inline constexpr std::chrono::milliseconds kViewerSweep{250};

// A viewer that takes nothing for so long, or whose host has vanished, is disconnected; a live ZeroMQ socket comes back
// by itself. An idle connection costs a probe in kViewerProbe.
inline constexpr std::chrono::seconds kViewerTimeout{30};
inline constexpr std::chrono::seconds kViewerProbe{10};

// What a viewer may send: subscriptions and PINGs. Two thousand subscriptions at once, then as many as heartbeats every
// 20 ms need. A viewer that goes on above that only costs time.
inline constexpr std::size_t kViewerInputBurst = std::size_t{64} * 1024;
inline constexpr std::size_t kViewerInputBytesPerSecond = 1024;

// Read from one viewer in one iteration: the shortest subscription is 3 bytes, so that SocketPoll::kMostAtOnce viewers
// cost 1 ms at most.
inline constexpr std::size_t kViewerReadBytes = 512;

// Answers to PINGs that wait for a viewer. It gets no more of them until it reads.
inline constexpr std::size_t kMaxViewerReplyBytes = 512;

// Accepted in one iteration, so that a storm of connections does not keep clients waiting.
inline constexpr std::size_t kViewerAcceptsAtOnce = 16;

// Writes to viewers in one iteration, in calls and in bytes: 1 ms or so. What is left is sent in the next iteration.
inline constexpr std::size_t kViewerSends = 64;
inline constexpr std::size_t kViewerSendBytes = std::size_t{1024} * 1024;
inline constexpr std::size_t kMessagesASend = 128;

// Messages put into queues of viewers in one iteration: 0.3 ms. Where more viewers watch clients, fewer events of
// clients are published in an iteration.
inline constexpr std::size_t kDeliveriesAtOnce = 16'384;

// Stats are published at once for a new subscriber, but not more often than this: a viewer that subscribes again and
// again would else have them made, and sent to all, all the time.
inline constexpr std::chrono::milliseconds kStatsSpacing{100};

// In the kernel, for each viewer. What lies there is old news to a viewer that lags, and it sends little.
inline constexpr int kViewerSendBuffer = 64 * 1024;
inline constexpr int kViewerReceiveBuffer = 8 * 1024;

// Log lines that strangers can provoke.
inline constexpr double kViewerWarningsPerSecond = 0.2;
inline constexpr double kViewerWarningsBurst = 5;

static_assert(kViewerQueue * 512 <= kViewerQueueBytes, "messages of the usual size are bounded by their number");
static_assert(kAllQueuedBytes >= 16 * kViewerQueueBytes,
              "a few viewers that stopped do not cost another one its connection");
static_assert(kViewerInputBurst >= kViewerReadBytes);
static_assert(kViewerProbe < kViewerTimeout);
static_assert(kMaxViewers <= kDeliveriesAtOnce, "each iteration can publish one event at least");

}  // namespace herd::node
