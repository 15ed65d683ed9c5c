// Memory of replies that have left, for those to come: connections that are idle hold none, and the busy ones of a turn
// need not ask the system's allocator for some kilobytes each, or for tens of them where they ask for places. Shared by
// all sessions of a loop, used on its thread only.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace herd::node {

class BufferPool {
 public:
  // Gives memory for AT lines to an empty text.
  void take(std::string& text) { take(small_, text); }

  // The same for places, which may have grown to kMostBytes already.
  void take_for_places(std::string& text) { take(large_, text); }

  // Empties a text and takes its memory.
  void give(std::string& text) {
    text.clear();
    auto& buffers = text.capacity() <= 2 * kBytes ? small_ : large_;
    if (buffers.size() < kMost && text.capacity() >= kBytes && text.capacity() <= kMostBytes) {
      buffers.emplace_back().swap(text);
    } else {
      std::string().swap(text);
    }
  }

  // How many texts' memory is held.
  [[nodiscard]] std::size_t size() const { return small_.size() + large_.size(); }

  static constexpr std::size_t kBytes = 2048;  // a client's usual flight of AT lines: a text does not grow under them
  static constexpr std::size_t kMostBytes = std::size_t{64} * 1024;  // its usual flight of places
  static constexpr std::size_t kMost = 64;  // of either kind, as many clients as one turn answers: 4 MiB at most

 private:
  using Spares = std::vector<std::string>;

  static void take(Spares& buffers, std::string& text) {
    if (buffers.empty()) {
      text.reserve(kBytes);
    } else {
      text.swap(buffers.back());
      buffers.pop_back();
    }
  }

  Spares small_;
  Spares large_;
};

}  // namespace herd::node
