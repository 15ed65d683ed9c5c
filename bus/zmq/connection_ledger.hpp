// The bounds on what ZeroMQ may buffer for the connections between nodes, and the decision which connections to cut.
//
// For each connection two numbers are known: the bytes that ZeroMQ has received, and the bytes of complete messages
// that have come out of it. The difference is buffered in ZeroMQ, which does not bound it: it holds all parts of a
// message until the last one has come. Its own bound on the number of messages (ZMQ_RCVHWM) is not used, because with
// it a stranger can abort the process (bus/zmq/zmq_options.cpp).
//
// A connection is a stranger's until a valid HELLO of a configured peer has come by it. Pure; loop thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/clock.hpp"
#include "protocol/limits.hpp"

namespace herd::bus {

// A message is a header, a body and a checksum, so a node never sends this many bytes without the end of a message.
// Twice as much again may be on its way through ZeroMQ's own thread.
inline constexpr std::uint64_t kMaxUnfinishedBytes = 3 * protocol::kMaxMessageBytes;

// Unread bytes of one peer. The longest bodies of all batches in flight are half a MiB, and as much again may follow a
// reconnect.
inline constexpr std::uint64_t kMaxPeerBacklogBytes = std::uint64_t{2} * 1024 * 1024;

// Unread bytes of all strangers together. A frame of 2 bytes takes 64 in memory, so they cost at most 24 MiB, plus what
// comes between two calls of judge().
inline constexpr std::uint64_t kMaxStrangersBytes = 2 * kMaxUnfinishedBytes;

// Connections of strangers. Each peer's connection is one from its start until its HELLO is read.
inline constexpr std::size_t kMaxStrangers = 64;

// Bytes that may come back, besides CONFLICT, on a connection that this node opened to send on. ZMTP's handshake is 100
// bytes. A CONFLICT (docs/PROTOCOL.md, One name, two processes) counts as delivered once it is read.
inline constexpr std::uint64_t kMaxAnswerBytes = std::uint64_t{16} * 1024;

// The account of one connection.
struct ConnectionAccount {
  bool accepted = true;                     // true: came in at this node's port; false: opened by this node to a peer
  std::string host;                         // address of the other end, without the port
  protocol::Nanoseconds since{};            // when it was opened, in steady time
  bool of_peer = false;                     // false: a stranger's
  std::uint64_t received = 0;               // bytes that ZeroMQ has read from the kernel
  std::uint64_t delivered = 0;              // bytes of complete messages that came out of ZeroMQ
  std::optional<std::uint64_t> stalled_at;  // `delivered` when it last had more than kMaxUnfinishedBytes waiting

  // Bytes buffered in ZeroMQ.
  [[nodiscard]] std::uint64_t waiting() const { return received > delivered ? received - delivered : 0; }
};

// A connection that must be cut, and why.
struct Verdict {
  std::size_t account;  // index in the list given to judge()
  std::string_view reason;
};

struct Judgement {
  std::vector<Verdict> cuts;
  // Some connections have too many bytes waiting: read all messages that have come, and call judge() again. Those of
  // which nothing was delivered until then are cut.
  bool look_again = false;
};

// Compares the accounts with the bounds above. Updates `stalled_at` of each.
[[nodiscard]] Judgement judge(std::span<ConnectionAccount* const> accounts);

}  // namespace herd::bus
