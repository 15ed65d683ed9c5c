// The bounds of the HTTP server, each with its reason. `Limits` is a parameter of the server: a test can lower a bound,
// and a server with streaming pages can raise the number of connections.
#pragma once

#include <chrono>
#include <cstddef>

namespace herd::node::http {

// The request line without its line end. The longest targets are queries with a cursor of about 400 bytes.
inline constexpr std::size_t kMaxRequestLineBytes = 4096;

// One header line without its line end. Browsers send the cookies of all servers on localhost in one line.
inline constexpr std::size_t kMaxHeaderLineBytes = 4096;

// The total size of all header lines including their line ends, and their number. Browsers send about 15 lines, 1 KiB.
inline constexpr std::size_t kMaxHeaderBytes = std::size_t{8} * 1024;
inline constexpr std::size_t kMaxHeaders = 64;

// The longest method in the IANA registry has 17 letters (UPDATEREDIRECTREF).
inline constexpr std::size_t kMaxMethodBytes = 32;

// The body of a page that reads none. A small one is read and ignored, so that the connection stays usable for the
// response.
inline constexpr std::size_t kMaxBodyBytes = 1024;

// The body of a page that reads it: the pages of phones (docs/PHONES.md). A report has about 400 bytes; an export of
// 1,000 regions, which some apps send to the same page, has 200 KiB.
inline constexpr std::size_t kMaxPageBodyBytes = std::size_t{256} * 1024;

// All bodies above kMaxBodyBytes that are being read or answered, by their Content-Length; a further one gets 503.
inline constexpr std::size_t kMaxBodiesInAll = std::size_t{8} * 1024 * 1024;

// The wrong tokens that are answered with 401 and logged, of all clients together; further ones get 429. A person who
// mistypes needs a few, a program that guesses needs all.
inline constexpr double kWrongTokensPerSecond = 5;
inline constexpr double kWrongTokensBurst = 10;

struct RequestLimits {
  std::size_t request_line_bytes = kMaxRequestLineBytes;
  std::size_t header_line_bytes = kMaxHeaderLineBytes;
  std::size_t header_bytes = kMaxHeaderBytes;
  std::size_t headers = kMaxHeaders;
  std::size_t body_bytes = kMaxPageBodyBytes;  // the router has a smaller bound for most pages
};

// The most bytes of one read. Bytes after the end of a request (pipelining) stay in memory, and the socket is not read
// again until they are processed. So a connection holds one request, one response and at most this number of bytes
// more.
inline constexpr std::size_t kReadBytes = 4096;

// The largest body of a response; a page with a larger one is answered with 500. /metrics with 64 peers has about 60
// KiB.
inline constexpr std::size_t kMaxResponseBytes = std::size_t{4} * 1024 * 1024;

// The total size of the responses that wait for slow clients, over all connections. Above it, the server resets the
// connection that has made no progress for longest.
inline constexpr std::size_t kMaxHeldBytes = std::size_t{8} * 1024 * 1024;

// SO_SNDBUF and SO_RCVBUF of a connection. With the defaults, a client that never reads, or that sends while the server
// does not read, can occupy megabytes of kernel memory.
inline constexpr int kSendBufferBytes = 16 * 1024;
inline constexpr int kReceiveBufferBytes = 32 * 1024;

// After the last response the server reads and discards at most this many bytes, for at most Limits::discard_time. If
// it closed a socket with unread bytes, the kernel would send a reset, which can destroy the response in transit.
inline constexpr std::size_t kMaxDiscardedBytes = std::size_t{1024} * 1024;

// All connections of the server: 1,000 viewers of streams, and 200 for ordinary requests. Each connection takes a file
// descriptor from the clients of the node, so the bound is lower where the process may open few files
// (node/app/descriptor_limit.hpp). One address (one /64 of IPv6) may have at most five sixths of the connections, and
// so may the viewers of streams: the last sixth is for other addresses, and for requests.
inline constexpr std::size_t kMaxConnections = 1200;
inline constexpr std::size_t kSpareShare = 6;

// TLS handshakes under way. Each takes about 60 kB: 8 MB in all. One address may have five sixths of them. A handshake
// takes some round trips, so even a flood of half handshakes leaves a client of the same address time to complete its
// own. After it, a connection takes 15 kB.
inline constexpr std::size_t kMaxTlsHandshakes = 128;

// The most bytes of one TLS record that the server sends. A viewer that takes nothing holds one, in plain text and
// encrypted.
inline constexpr std::size_t kMaxTlsWriteBytes = 4096;

// The most connections accepted per wakeup. Each is read at once, so a complete request is answered before a later
// connection can evict it.
inline constexpr std::size_t kMaxAcceptsInOneGo = 8;

// The most viewers of streams that are served per loop iteration: a request waits for no more than these.
inline constexpr std::size_t kMaxViewersInOneGo = 32;

struct Limits {
  RequestLimits request;
  std::size_t connections = kMaxConnections;
  std::size_t connections_an_address = kMaxConnections - kMaxConnections / kSpareShare;
  std::size_t streams = kMaxConnections - kMaxConnections / kSpareShare;  // connections that are viewers of a stream
  std::size_t handshakes = kMaxTlsHandshakes;
  std::size_t handshakes_an_address = kMaxTlsHandshakes - kMaxTlsHandshakes / kSpareShare;
  std::size_t response_bytes = kMaxResponseBytes;
  std::size_t held_bytes = kMaxHeldBytes;
  std::size_t bodies_in_all = kMaxBodiesInAll;
  std::size_t discarded_bytes = kMaxDiscardedBytes;
  std::chrono::milliseconds handshake_time{3'000};  // from accept to the end of the TLS handshake
  std::chrono::milliseconds request_time{3'000};  // from accept, the TLS handshake or the first byte, to the last byte
  std::chrono::milliseconds idle_time{10'000};    // from a response to the next request; Prometheus may ask every 5 s
  std::chrono::milliseconds answer_time{
      5'000};  // for the page to answer, else 503; the status board answers within 1 s
  std::chrono::milliseconds response_time{10'000};  // for the client to take the whole response
  std::chrono::milliseconds stall_time{5'000};      // for a viewer to take the next byte of a stream
  std::chrono::milliseconds discard_time{1'000};    // for reading and discarding after the last response
};

// The period of the sweep that checks the deadlines of all connections, in place of a timer per connection. The sweep
// runs only while the server has connections.
inline constexpr std::chrono::milliseconds kSweepPeriod{100};

static_assert(kMaxPageBodyBytes <= kMaxBodiesInAll, "one body must fit");
static_assert(kMaxHeaderLineBytes <= kMaxHeaderBytes, "one line must fit");
static_assert(kMaxResponseBytes <= kMaxHeldBytes, "one response must fit");

}  // namespace herd::node::http
