// The bounds of the client side of a node, each with its reason. Bounds that an operator can set are in
// node/config/config.hpp.
#pragma once

#include <chrono>
#include <cstddef>

#include "protocol/limits.hpp"

namespace herd::node {

// The buffer that all connections share for reading. It is large enough for all commands that a busy client has in
// flight on loopback, and small enough that one client does not delay the others for long.
inline constexpr std::size_t kReadBufferBytes = std::size_t{64} * 1024;

// Lookups of one connection that may be under way at a time. Each ends as a document of about 20 KiB, so that a client
// that sends only lookups takes at most one or two megabytes.
inline constexpr std::size_t kMaxPendingLookups = 64;

// Reads of one connection with replies that wait for the journal or for peers. At this bound the node does not read
// from the connection until some of the replies were sent.
inline constexpr std::size_t kMaxWaitingIterations = 64;

// The longest wait of replies while another process has this node's name. Only an operator can end that state, and the
// client can use another node.
inline constexpr std::chrono::milliseconds kRefusedPatience{1'000};

// Lines that a session parses before it executes the first of them: as many as a client usually has in flight. Their
// replies, some kilobytes, may exceed the bound of the output.
inline constexpr std::size_t kLinesAhead = 16;

// From this number of lines on, the store prefetches their records. With fewer lines there is no other work to do while
// the memory is read.
inline constexpr std::size_t kLinesExpected = 4;

// How long the queries of clients (NEAR, WITHIN, COUNT) may hold the loop in one iteration: the other clients wait for
// that time. Later iterations do the rest.
inline constexpr std::chrono::microseconds kQuerySlice{1'000};

// The same for the area index and the finding of watches, while they read changes of the store. If the iteration has
// already taken longer than kIndexSlice, they may take as long again, up to kMaxIndexSlice: an iteration takes so long
// if the process was suspended.
inline constexpr std::chrono::microseconds kIndexSlice{100};
inline constexpr std::chrono::milliseconds kMaxIndexSlice{10};

// The area index takes about 20 bytes for each client, and time for each update. It is dropped when no query and no
// watch has used it for so long; building it anew takes about 0.5 s for a million clients.
inline constexpr std::chrono::minutes kAreaIndexIdle{10};

// If more output than this waits for a client, the node stops reading from it, and continues below half of it.
inline constexpr std::size_t kMaxOutputBytes = std::size_t{1024} * 1024;

// Replies of all connections together, with the bytes reserved for lookups, the input that waits for them, and the TLS
// records that are partly sent: a tenth of the memory of a small machine, and enough for 64 clients that do not read at
// all. Above half of it the node does not read from a connection with more than kScarceOutputBytes of output, so that
// 2,000 more such clients fit. Above all of it a connection is served one step at a time.
inline constexpr std::size_t kMaxRepliesInAll = std::size_t{128} * 1024 * 1024;
inline constexpr std::size_t kScarceOutputBytes = std::size_t{32} * 1024;

// Events of watches are not written while more output than this waits for the client. So a watcher that does not read
// takes 16 KiB, and its commands are read all the same, also while memory is scarce: see kScarceOutputBytes.
inline constexpr std::size_t kMaxEventBytes = kScarceOutputBytes / 2;

// Events of watches are written until the iteration has taken kEventsEnd, but for at least 1 / kEventDivisor of the
// time that it took before them, as far as that is below kMaxIndexSlice. In an iteration without other work that is
// about 100 sends. The other watchers continue in the next iteration.
inline constexpr std::chrono::microseconds kEventsEnd{1'000};
inline constexpr int kEventDivisor = 4;

// The size of one read while replies take more than half of that: 50 lines, as a client usually has in flight.
inline constexpr std::size_t kScarceReadBytes = std::size_t{4} * 1024;

// Counted as output for each lookup until its document arrives: about a document of 20 places.
inline constexpr std::size_t kLookupBytes = std::size_t{20} * 1024;

// The kernel's send and receive buffer of a connection (SO_SNDBUF, SO_RCVBUF; the kernel doubles these values for its
// own bookkeeping). By default the kernel lets each grow to some megabytes if one side does not read.
inline constexpr int kSendBufferBytes = 64 * 1024;
inline constexpr int kReceiveBufferBytes = 64 * 1024;

// After the node has half-closed a connection, it discards further input up to these bounds. If a socket with unread
// input is closed, the kernel sends a reset, which destroys the reply on its way.
inline constexpr std::size_t kMaxDiscardedBytes = std::size_t{1024} * 1024;
inline constexpr std::chrono::milliseconds kMaxDiscardTime{1'000};

// The wait after a failed accept(). If the process has no descriptor left, an immediate retry would only take CPU time
// from the work that could free one. Other errors may last as long.
inline constexpr std::chrono::milliseconds kAcceptBackoff{100};

// Descriptors that are reserved from clients, in addition to those of the HTTP server and of viewers. A node with
// one peer has 43 open, with CURVE and TLS (measured); of these a peer takes five, and a sixth while it reconnects.
// Connections to the bus that have not sent a valid HELLO take up to 64 (bus/zmq/connection_ledger.hpp), and a few
// more until they are closed.
inline constexpr std::size_t kReservedDescriptors = 128;
inline constexpr std::size_t kReservedDescriptorsPerPeer = 6;

// A node does not start with fewer descriptors than this plus those for its peers: libzmq aborts the process if it
// cannot open one.
inline constexpr std::size_t kFewestDescriptors = 52;

// The HTTP server gets one in kHttpShare of the descriptors for its connections, but at least kFewestHttpConnections: a
// health probe, a metrics scraper and two more.
inline constexpr std::size_t kHttpShare = 16;
inline constexpr std::size_t kFewestHttpConnections = 4;

// Connections accepted in one loop iteration, so that many new connections do not delay the existing ones.
inline constexpr std::size_t kMaxAcceptsInOneGo = 64;

// TLS handshakes that are under way, of all clients and of one address. Each holds about 60 kB until it is complete; so
// few are enough because a client that answers at once is done within its round trip. One address gets at most half:
// many clients of one network may share an address.
inline constexpr std::size_t kMaxHandshakes = 512;
inline constexpr std::size_t kMaxHandshakesOfAddress = 256;

// The longest time from the first byte of a handshake to its end: some round trips of a slow mobile network.
inline constexpr std::chrono::milliseconds kHandshakeTimeout{10'000};

// Steps of handshakes in one loop iteration. A step with the server's signature takes 0.3 ms (ECDSA P-256) or 0.5 ms
// (RSA-2048); the other clients wait for so long. Further handshakes continue in the next iteration.
inline constexpr std::size_t kHandshakeStepsInOneGo = 4;

// TLS records of one client that are decrypted in one loop iteration. A record may contain a single byte and still
// costs about a microsecond.
inline constexpr std::size_t kMaxRecordsInOneGo = 64;

// Messages of the handshake protocol that a client may send after its handshake, in the whole life of its connection. A
// client needs none, or one KeyUpdate for each 2^24 records. A KeyUpdate costs 30 us, and one read of the socket may
// contain 600 of them: 18 ms, once, because the connection is closed then.
inline constexpr std::size_t kMaxTlsMessages = 32;

// A wrong token is answered after this time, and until then the connection waits. With the two bounds below, an address
// can try 8 tokens in a second, however many connections it has: a token of 128 bits would take 10^30 years. A client
// with a right token does not wait.
inline constexpr std::chrono::milliseconds kAuthDelay{1'000};
inline constexpr std::size_t kMaxGuessesOfAddress = 8;
inline constexpr std::size_t kMaxGuessesInAll = 65'536;  // about 4 MB; more guesses than a node can read in that time

// Wrong tokens of one connection, which then ends: a person may mistype a token twice.
inline constexpr unsigned kMaxAuthTries = 3;

// Timeouts of connections are checked by a periodic sweep instead of one timer each. Every kSweepPeriod it checks one
// in kSweepParts of the connections, but at least kSweepAtLeast, so that each is checked about once per second.
inline constexpr std::chrono::milliseconds kSweepPeriod{100};
inline constexpr std::size_t kSweepParts = 10;
inline constexpr std::size_t kSweepAtLeast = 64;

// The rate limit of warnings that clients can cause, for each kind: enough to see the problem, too few to fill a disk.
inline constexpr double kWarningsPerSecond = 10;
inline constexpr double kWarningsBurst = 50;

static_assert(kReadBufferBytes > protocol::kDefaultMaxLineBytes + 2, "the default longest line fits one read");
static_assert(kReadBufferBytes < kMaxOutputBytes, "one read must not fill the output with short replies at once");
static_assert(kScarceOutputBytes > kLookupBytes, "a client may send another lookup while one is under way");
static_assert(kScarceReadBytes > protocol::kDefaultMaxLineBytes + 2, "the default longest line fits a small read too");
static_assert(kMaxRepliesInAll / 2 >= 64 * kMaxOutputBytes, "64 clients that do not read do not slow the others down");
static_assert(kMaxHandshakesOfAddress * 2 <= kMaxHandshakes, "one address cannot take all handshakes");
static_assert(kSweepPeriod * kSweepParts <= kHandshakeTimeout, "the sweep must notice a slow handshake in time");
static_assert(kSweepPeriod * kSweepParts <= kMaxDiscardTime, "the sweep must notice the end of a discard in time");
static_assert(kMaxDiscardedBytes >= kReadBufferBytes, "at least one read is discarded");
static_assert(kSweepPeriod * 10 <= kAuthDelay, "the sweep answers wrong tokens");
static_assert(kWarningsBurst >= 1, "with less than one token nothing would be logged");

}  // namespace herd::node
