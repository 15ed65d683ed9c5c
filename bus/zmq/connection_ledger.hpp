// What every connection between nodes has sent, and how much of it has come out of ZeroMQ as whole messages. From the
// two follows which connections must be cut, because ZeroMQ itself does not bound what it keeps of them: it keeps all
// parts of a message until the last one has come, and where the number of messages is bounded (ZMQ_RCVHWM), a stranger
// can end the process (bus/zmq/zmq_options.cpp). Pure; used on the loop's thread only.
//
// A connection is a stranger's until a valid HELLO of a configured peer has come by it.
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

// A message is a header, a body and a check; so many bytes without the end of one are none of a node's. Twice more may
// be on their way through ZeroMQ's own thread.
inline constexpr std::uint64_t kMaxUnfinishedBytes = 3 * protocol::kMaxMessageBytes;

// What a peer has sent and this node has not read: a full flight of the longest bodies is half a MiB, and as much again
// may follow a reconnect.
inline constexpr std::uint64_t kMaxPeerBacklogBytes = std::uint64_t{2} * 1024 * 1024;

// The same of all strangers together. A frame of 2 bytes takes 64 in memory, so they cost 24 MiB at most, and what
// comes between two looks.
inline constexpr std::uint64_t kMaxStrangersBytes = 2 * kMaxUnfinishedBytes;

// Connections of strangers: each peer's is one, from its start until its HELLO is read.
inline constexpr std::size_t kMaxStrangers = 64;

// A node sends on the connections that it opens. What comes back is ZMTP's handshake, 100 bytes, and CONFLICT now and
// then (docs/PROTOCOL.md, One name, two processes), which counts as delivered once it is read. This bounds the rest.
inline constexpr std::uint64_t kMaxAnswerBytes = std::uint64_t{16} * 1024;

// One connection. The counts are of its own.
struct ConnectionAccount {
  bool accepted = true;  // by this node's port; false: this node has opened it, to a peer's
  std::string host;      // the other end's address without its port
  protocol::Nanoseconds since{};
  bool of_peer = false;
  std::uint64_t received = 0;               // bytes that ZeroMQ has read
  std::uint64_t delivered = 0;              // bytes of whole messages that came out of it
  std::optional<std::uint64_t> stalled_at;  // what was delivered when too much was found unfinished

  [[nodiscard]] std::uint64_t waiting() const { return received > delivered ? received - delivered : 0; }
};

struct Verdict {
  std::size_t account;  // its place in the list
  std::string_view reason;
};

struct Judgement {
  std::vector<Verdict> cuts;
  // Some have too much unfinished: read what has come, and judge again. If nothing of theirs was delivered, they are
  // cut.
  bool look_again = false;
};

[[nodiscard]] Judgement judge(std::span<ConnectionAccount* const> accounts);

}  // namespace herd::bus
