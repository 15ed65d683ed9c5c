// How much memory the clients' replies hold over all connections, and how much one connection may add. A client that
// does not read costs up to its limit; the limit falls while many do so, and a client that reads stays below it,
// because what it has taken no longer counts. Shared by all sessions of a loop, used on its thread only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>

#include "node/base/limits.hpp"

namespace herd::node {

class ReplyMemory {
 public:
  // `most`: bytes over all connections, above which a connection gets one step at a time: what it asks for is answered
  // when it holds no reply any more.
  explicit ReplyMemory(std::size_t most = kMaxRepliesInAll) : most_(most) {}
  ReplyMemory(const ReplyMemory&) = delete;
  ReplyMemory& operator=(const ReplyMemory&) = delete;

  // A connection holds `now` bytes, after `counted` at the last call.
  void change(std::size_t& counted, std::size_t now) { total_ += now - std::exchange(counted, now); }

  [[nodiscard]] std::size_t total() const { return total_; }

  // Bytes of replies above which a connection is not read from.
  [[nodiscard]] std::size_t limit() const {
    if (total_ < most_ / 2) return kMaxOutputBytes;
    return total_ < most_ ? kScarceOutputBytes : 0;
  }

  // How much one read may take: input that cannot be used yet is memory too.
  [[nodiscard]] std::size_t read_bytes() const { return total_ < most_ / 2 ? kReadBufferBytes : kScarceReadBytes; }

 private:
  std::size_t most_;
  std::size_t total_ = 0;
};

}  // namespace herd::node
