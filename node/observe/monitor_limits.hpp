// The bounds of the monitor, each with its reason. All memory and work that a viewer, or a stranger at the port, can
// cause is bounded here.
#pragma once

#include <chrono>
#include <cstddef>

#include "protocol/limits.hpp"

namespace herd::node {

// All connections to the monitor, including those in the handshake. Fewer if the process may open few files
// (node/app/descriptor_limit.hpp).
inline constexpr std::size_t kMaxViewers = 1'024;

// Viewers get a 16th of the descriptors: 64 of 1,024, and kMaxViewers from 16,384 on. These are reserved, so viewers
// and strangers at the monitor never take a descriptor from clients.
inline constexpr std::size_t kViewersPart = 16;
inline constexpr std::size_t kFewestViewers = 4;

// The most messages in the queue of a viewer; further ones are lost to it. Two full batches of updates fit, which may
// arrive in one loop iteration. A message is about 330 bytes, and viewers share it.
inline constexpr std::size_t kViewerQueue = 2 * protocol::kMaxBatchUpdates;

// The same bound in bytes, for messages with long texts.
inline constexpr std::size_t kViewerQueueBytes = std::size_t{1024} * 1024;

// The total bytes of distinct messages in all queues. Above it, the viewer that has read nothing for longest is
// disconnected. The queues of a hundred viewers that stopped reading at different times fit.
inline constexpr std::size_t kAllQueuedBytes = std::size_t{32} * 1024 * 1024;

// How long a handshake may take. Greeting and READY take one round trip. The bus gives its connections the same time.
inline constexpr std::chrono::milliseconds kViewerHandshakeTime{2'000};

// How often the deadlines of handshakes are checked.
inline constexpr std::chrono::milliseconds kViewerSweep{250};

// A viewer that reads nothing for this time while messages wait, or that has lost its host, is disconnected. A live
// ZeroMQ socket reconnects by itself. An idle connection costs one TCP keepalive probe per kViewerProbe.
inline constexpr std::chrono::seconds kViewerTimeout{30};
inline constexpr std::chrono::seconds kViewerProbe{10};

// The bytes that a viewer may send as subscriptions and PINGs: 2,000 subscriptions at once, and then the rate of a PING
// every 20 ms. A viewer that exceeds it is disconnected: it would only cost time.
inline constexpr std::size_t kViewerInputBurst = std::size_t{64} * 1024;
inline constexpr std::size_t kViewerInputBytesPerSecond = 1024;

// The areas (prefixes of herd.cell. topics) of one viewer: the cells of four characters in a large city and its
// surroundings. One more ends the connection. A location is compared with each, in about 1 ns.
inline constexpr std::size_t kMaxViewerAreas = 64;

// The most bytes read from one viewer per loop iteration. The shortest subscription has 3 bytes, so reading from
// SocketPoll::kMostAtOnce viewers takes 1 ms at most.
inline constexpr std::size_t kViewerReadBytes = 512;

// The most bytes of waiting PONGs. Further PINGs are not answered until the viewer reads.
inline constexpr std::size_t kMaxViewerReplyBytes = 512;

// The bytes of messages that are encrypted before the socket has accepted the former ones, about 12 messages: what one
// viewer makes the loop encrypt at a time, and the memory that it takes.
inline constexpr std::size_t kSealedAhead = std::size_t{4} * 1024;

// A step of an encrypted handshake costs the loop 0.1 ms (HELLO: two operations on the curve, INITIATE: two). So few
// are done per loop iteration, and few connections are accepted per second: strangers can cost 8 % of the loop. The
// others wait in the kernel.
inline constexpr std::size_t kViewerHandshakesAtOnce = 4;
inline constexpr double kEncryptedAcceptsPerSecond = 400;
inline constexpr double kEncryptedAcceptsBurst = 40;

// The most connections accepted per loop iteration, so that a storm of connections does not delay clients.
inline constexpr std::size_t kViewerAcceptsAtOnce = 16;

// The most send calls to viewers and bytes sent per loop iteration: about 1 ms. The rest is sent in the next iteration.
inline constexpr std::size_t kViewerSends = 64;
inline constexpr std::size_t kViewerSendBytes = std::size_t{1024} * 1024;
// The most messages per send call.
inline constexpr std::size_t kMessagesASend = 128;

// The most messages put into the queues of viewers per loop iteration: 0.3 ms. The more viewers watch clients, the
// fewer client events are published per iteration.
inline constexpr std::size_t kDeliveriesAtOnce = 16'384;

// Stats are published at once for a new subscriber, but not more often than this. Otherwise a viewer that subscribes
// repeatedly would cause a constant stream of stats to all viewers.
inline constexpr std::chrono::milliseconds kStatsSpacing{100};

// SO_SNDBUF and SO_RCVBUF of a viewer. For a lagging viewer, the bytes in a large send buffer would be outdated, and
// viewers send little.
inline constexpr int kViewerSendBuffer = 64 * 1024;
inline constexpr int kViewerReceiveBuffer = 8 * 1024;

// The rate and burst of log lines that strangers can cause.
inline constexpr double kViewerWarningsPerSecond = 0.2;
inline constexpr double kViewerWarningsBurst = 5;

static_assert(kViewerQueue * 512 <= kViewerQueueBytes, "messages of the usual size reach the bound by number first");
static_assert(kAllQueuedBytes >= 16 * kViewerQueueBytes, "a few stopped viewers must not cause a disconnect");
static_assert(kViewerInputBurst >= kViewerReadBytes);
static_assert(kViewerProbe < kViewerTimeout);
static_assert(kMaxViewers <= kDeliveriesAtOnce, "an iteration must be able to publish at least one event");

}  // namespace herd::node
