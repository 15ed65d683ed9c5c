// Memory of replies that have left, for those to come: connections that are idle hold none, and the busy ones of a turn
// need not ask the system's allocator for some kilobytes each. Shared by all sessions of a loop, used on its thread
// only.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace herd::node {

class SpareTexts {
 public:
  // Gives memory to an empty text.
  void take(std::string& text) {
    if (spares_.empty()) {
      text.reserve(kBytes);
    } else {
      text.swap(spares_.back());
      spares_.pop_back();
    }
  }

  // Empties a text and takes its memory.
  void give(std::string& text) {
    text.clear();
    if (spares_.size() < kMost && text.capacity() >= kBytes && text.capacity() <= kMostBytes) {
      spares_.emplace_back().swap(text);
    } else {
      std::string().swap(text);
    }
  }

  // How many texts' memory is held.
  [[nodiscard]] std::size_t size() const { return spares_.size(); }

  static constexpr std::size_t kBytes = 2048;  // a client's usual flight of AT lines: a text does not grow under them
  static constexpr std::size_t kMostBytes = std::size_t{64} * 1024;  // its usual flight of places, having grown there
  static constexpr std::size_t kMost = 64;                           // as many clients as one turn answers

 private:
  std::vector<std::string> spares_;
};

}  // namespace herd::node
