// How much memory the replies of all connections hold, and how much one connection may hold. A client that does not
// read holds memory up to the limit of a connection. The limit falls in two steps when the sum rises: at half of
// `most`, and at `most`. A client that reads stays below the limit, because sent replies no longer count. Owned by the
// front end, shared by all its sessions, used on the loop's thread only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "node/base/limits.hpp"

namespace herd::node {

class ReplyMemory {
 public:
  // `most`: bytes of all connections together. While the sum is at or above it, a connection executes more lines only
  // when it holds no reply, so it advances one step at a time.
  explicit ReplyMemory(std::size_t most = kMaxRepliesInAll) : most_(most) {}
  ReplyMemory(const ReplyMemory&) = delete;
  ReplyMemory& operator=(const ReplyMemory&) = delete;

  // A connection holds `now` bytes. `counted` is the connection's own variable: its bytes at the last call, at first 0.
  // A connection holds far less than 4 GiB.
  void change(std::uint32_t& counted, std::size_t now) {
    total_ += now - std::exchange(counted, static_cast<std::uint32_t>(now));
  }

  [[nodiscard]] std::size_t total() const { return total_; }

  // The limit of one connection, in bytes. With more bytes of replies than this, it executes no further lines and is
  // not read from.
  [[nodiscard]] std::size_t limit() const {
    if (total_ < most_ / 2) return kMaxOutputBytes;
    return total_ < most_ ? kScarceOutputBytes : 0;
  }

  // The most bytes to read at once from one connection. It falls too, because input that must wait also takes memory.
  [[nodiscard]] std::size_t read_bytes() const { return total_ < most_ / 2 ? kReadBufferBytes : kScarceReadBytes; }

 private:
  std::size_t most_;
  std::size_t total_ = 0;
};

}  // namespace herd::node
