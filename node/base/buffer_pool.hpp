// A pool of reply buffers. Idle connections hold no buffer, and busy ones reuse the buffers of replies that were sent
// instead of allocating some kilobytes (tens of kilobytes for places) in each loop iteration. One pool for all sessions
// of a loop; loop thread only.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace herd::node {

class BufferPool {
 public:
  // Gives an empty text a buffer for AT lines: a pooled one, or a new one of kBytes.
  void take(std::string& text) { take(small_, text); }

  // The same for places: prefers a pooled buffer of up to kMostBytes.
  void take_for_places(std::string& text) { take(large_, text); }

  // Clears a text and takes its buffer into the pool, or frees it if it is too small, too large or the pool is full.
  void give(std::string& text) {
    text.clear();
    auto& buffers = text.capacity() <= 2 * kBytes ? small_ : large_;
    if (buffers.size() < kMost && text.capacity() >= kBytes && text.capacity() <= kMostBytes) {
      buffers.emplace_back().swap(text);
    } else {
      std::string().swap(text);
    }
  }

  // The number of pooled buffers.
  [[nodiscard]] std::size_t size() const { return small_.size() + large_.size(); }

  static constexpr std::size_t kBytes = 2048;  // for the AT lines that a client usually has in flight
  static constexpr std::size_t kMostBytes =
      std::size_t{64} * 1024;               // for the places that a client usually has in flight
  static constexpr std::size_t kMost = 64;  // of each kind; about the clients of one loop iteration: at most 4 MiB

 private:
  using Buffers = std::vector<std::string>;

  static void take(Buffers& buffers, std::string& text) {
    if (buffers.empty()) {
      text.reserve(kBytes);
    } else {
      text.swap(buffers.back());
      buffers.pop_back();
    }
  }

  Buffers small_;
  Buffers large_;
};

}  // namespace herd::node
