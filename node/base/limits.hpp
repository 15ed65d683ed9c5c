// The bounds of serving clients, each with its reason. What a user may set stands in node/config/config.hpp instead.
#pragma once

#include <chrono>
#include <cstddef>

#include "protocol/limits.hpp"

namespace herd::node {

// The one buffer that all connections read into. One read of it takes what a busy client has in flight on loopback,
// and it is small enough that one client's turn does not keep the others waiting for long.
inline constexpr std::size_t kReadBufferBytes = std::size_t{64} * 1024;

// Lookups that one connection may wait for. Each holds a ticket and in the end a document of some 20 KiB, so that a
// client that only asks costs at most one or two megabytes.
inline constexpr std::size_t kMaxPendingLookups = 64;

// Reads whose replies wait for the journal or for peers. A client that still sends is then read no further until some
// of them have left.
inline constexpr std::size_t kMaxWaitingIterations = 64;

// How long replies wait, at most, while another process has this node's name: only an operator can end that, and other
// nodes can answer the client.
inline constexpr std::chrono::milliseconds kRefusedPatience{1'000};

// Lines that a session reads before it executes the first of them. As many as a client usually has in flight; the
// output may pass its bound by their replies, some kilobytes.
inline constexpr std::size_t kLinesAhead = 16;

// From so many lines on the store is told what comes: for fewer there is nothing to be done meanwhile.
inline constexpr std::size_t kLinesExpected = 4;

// A client that does not take its replies is not read from any more above this much output, and is again below half.
inline constexpr std::size_t kMaxOutputBytes = std::size_t{1024} * 1024;

// Replies over all connections, with what is reserved for lookups and the input that waits for them: a tenth of the
// memory of a small machine, and room for 64 clients that do not read at all. From half of it on a connection is not
// read from above kScarceOutputBytes, so that 2,000 more of them fit; above it one gets a step at a time.
inline constexpr std::size_t kMaxRepliesInAll = std::size_t{128} * 1024 * 1024;
inline constexpr std::size_t kScarceOutputBytes = std::size_t{32} * 1024;

// What one read takes while replies hold half of that: a usual client's lines in flight, 50 of them.
inline constexpr std::size_t kScarceReadBytes = std::size_t{4} * 1024;

// Counted for a lookup until its document comes: about a document of 20 places.
inline constexpr std::size_t kLookupBytes = std::size_t{20} * 1024;

// The kernel's buffers for what a connection sends and receives; it takes twice as much, for its own bookkeeping. Left
// to itself it lets each grow to some megabytes for a client that does not read, or that is not read from.
inline constexpr int kSendBufferBytes = 64 * 1024;
inline constexpr int kReceiveBufferBytes = 64 * 1024;

// What a client still sends after the node has half-closed is thrown away up to these: closing a socket with unread
// input makes the kernel send a reset, which destroys the reply on its way.
inline constexpr std::size_t kMaxDiscardedBytes = std::size_t{1024} * 1024;
inline constexpr std::chrono::milliseconds kMaxDiscardTime{1'000};

// When the process has no descriptor left, trying again at once would only burn the core that could free one. Other
// errors of accepting may last as well.
inline constexpr std::chrono::milliseconds kAcceptBackOff{100};

// Descriptors that clients never get, beside those of the HTTP server and of viewers. A node with one peer has 30 open
// (measured), of which a peer costs five and a sixth while it reconnects; strangers at the bus have up to 64
// (bus/zmq/connection_ledger.hpp), and a few more for as long as it takes to cut them.
inline constexpr std::size_t kReservedDescriptors = 128;
inline constexpr std::size_t kReservedDescriptorsPerPeer = 6;

// With fewer, beside those for its peers, a node does not start: libzmq ends a process that has none left for it.
inline constexpr std::size_t kFewestDescriptors = 52;

// The HTTP server may have a sixteenth of the descriptors for its connections, but at least these: a probe, a scraper
// and two more.
inline constexpr std::size_t kHttpShare = 16;
inline constexpr std::size_t kFewestHttpConnections = 4;

// Connections accepted in one go, so that a storm of them does not keep those that are served waiting.
inline constexpr std::size_t kMaxAcceptsInOneGo = 64;

// Timeouts of connections are looked for by a slow sweep instead of a timer each: a part of them at every tick, so that
// each is visited about once a second, and few enough are all visited at once.
inline constexpr std::chrono::milliseconds kSweepPeriod{100};
inline constexpr std::size_t kSweepParts = 10;
inline constexpr std::size_t kSweepAtLeast = 64;

// Warnings that clients can provoke, for each kind: enough to see what goes on, too few to fill a disk.
inline constexpr double kWarningsPerSecond = 10;
inline constexpr double kWarningsBurst = 50;

static_assert(kReadBufferBytes > protocol::kDefaultMaxLineBytes + 2, "a usual line fits one read");
static_assert(kReadBufferBytes < kMaxOutputBytes, "one read must not fill the output with short replies at once");
static_assert(kScarceOutputBytes > kLookupBytes, "a client may wait for a lookup and ask for one more");
static_assert(kScarceReadBytes > protocol::kDefaultMaxLineBytes + 2, "a usual line fits one read also then");
static_assert(kMaxRepliesInAll / 2 >= 64 * kMaxOutputBytes, "a few dozen clients that do not read change nothing");
static_assert(kSweepPeriod * kSweepParts <= kMaxDiscardTime, "a discard that is over must be seen soon after");
static_assert(kMaxDiscardedBytes >= kReadBufferBytes, "at least one read is discarded");
static_assert(kWarningsBurst >= 1, "or nothing would ever be logged");

}  // namespace herd::node
