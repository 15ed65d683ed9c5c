// The bounds of the HTTP server, each with its reason. They are parameters of the server, so that a test can lower them
// and a page that streams can raise the number of connections.
#pragma once

#include <chrono>
#include <cstddef>

namespace herd::node::http {

// No path of a node needs more: the longest targets are queries with a cursor of some 400 bytes.
inline constexpr std::size_t kMaxRequestLineBytes = 4096;

// One header line without its line end. Browsers send the cookies of every server on localhost in one line.
inline constexpr std::size_t kMaxHeaderLineBytes = 4096;

// All header lines with their line ends, and how many. Browsers send about 15 lines and 1 KiB.
inline constexpr std::size_t kMaxHeaderBytes = std::size_t{8} * 1024;
inline constexpr std::size_t kMaxHeaders = 64;

// Registered methods have at most 17 letters (UPDATEREDIRECTREF).
inline constexpr std::size_t kMaxMethodBytes = 32;

// No path reads a body today. A client that sends a small one gets its answer on a connection in good order.
inline constexpr std::size_t kMaxBodyBytes = 1024;

struct RequestLimits {
  std::size_t request_line_bytes = kMaxRequestLineBytes;
  std::size_t header_line_bytes = kMaxHeaderLineBytes;
  std::size_t header_bytes = kMaxHeaderBytes;
  std::size_t headers = kMaxHeaders;
  std::size_t body_bytes = kMaxBodyBytes;
};

// Bytes read at a time. What is left of them after a request (pipelining) waits in memory, and the socket is not read
// again before all of it is answered: a connection holds one request, one response and so many bytes more.
inline constexpr std::size_t kReadBytes = 4096;

// A larger response is not sent: 500 takes its place. /metrics of a node with 64 peers has some 60 KiB.
inline constexpr std::size_t kMaxResponseBytes = std::size_t{4} * 1024 * 1024;

// Responses that clients have not taken yet, of all connections together. Beyond it the connection whose client has
// taken nothing for longest is ended.
inline constexpr std::size_t kMaxHeldBytes = std::size_t{8} * 1024 * 1024;

// SO_SNDBUF and SO_RCVBUF of a connection. The defaults let a client that never reads, or that sends on while it is not
// read, park megabytes in the kernel.
inline constexpr int kSendBufferBytes = 16 * 1024;
inline constexpr int kReceiveBufferBytes = 32 * 1024;

// After the last response the server reads on for a while: to close a socket with unread bytes makes the kernel send a
// reset, which can destroy the response on its way. So many bytes, for so long.
inline constexpr std::size_t kMaxDiscardedBytes = std::size_t{1024} * 1024;

// Connections in all: a thousand viewers of streams, and requests beside them. Each is a descriptor that clients of the
// node lack, so it has fewer where there are few (node/app/descriptor_limit.hpp). One address (one /64 of IPv6) leaves a
// sixth of them to others, and viewers leave a sixth to requests.
inline constexpr std::size_t kMaxConnections = 1200;
inline constexpr std::size_t kSpareShare = 6;

// Accepted in one go. Each is read at once, so a complete request is answered before later connections can evict it.
inline constexpr std::size_t kMaxAcceptsInOneGo = 8;

// Viewers of a stream that are served in one go, so that a request waits for no more than these.
inline constexpr std::size_t kMaxViewersInOneGo = 32;

struct Limits {
  RequestLimits request;
  std::size_t connections = kMaxConnections;
  std::size_t connections_an_address = kMaxConnections - kMaxConnections / kSpareShare;
  std::size_t streams = kMaxConnections - kMaxConnections / kSpareShare;  // viewers
  std::size_t response_bytes = kMaxResponseBytes;
  std::size_t held_bytes = kMaxHeldBytes;
  std::size_t discarded_bytes = kMaxDiscardedBytes;
  std::chrono::milliseconds request_time{3'000};  // from its first byte (of a new connection: from accept) to its last
  std::chrono::milliseconds idle_time{10'000};  // between a response and the next request; a scraper may come every 5 s
  std::chrono::milliseconds answer_time{5'000};     // for the page to answer; then 503. The status board takes 1 s
  std::chrono::milliseconds response_time{10'000};  // for the client to take the whole response
  std::chrono::milliseconds stall_time{5'000};      // for a viewer to take the next byte of a stream that has more
  std::chrono::milliseconds discard_time{1'000};    // after the last response
};

// Deadlines are looked for by one sweep instead of a timer for each connection. It runs only while there are any.
inline constexpr std::chrono::milliseconds kSweepPeriod{100};

static_assert(kMaxHeaderLineBytes <= kMaxHeaderBytes, "one line must fit");
static_assert(kMaxResponseBytes <= kMaxHeldBytes, "one response must fit");

}  // namespace herd::node::http
