// Remembers texts for some time, so that a log line is not written again and again for a cause that lasts. Bounded:
// kKept texts; the oldest is forgotten for a new one. Pure: the time is an argument. One thread at a time.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <deque>
#include <string>
#include <utility>

#include "protocol/clock.hpp"

namespace herd::node {

class Repeats {
 public:
  static constexpr std::chrono::minutes kRepeatAfter{10};
  static constexpr std::size_t kKept = 64;

  // Whether this text was remembered less than kRepeatAfter ago. If not, it is remembered now. `steady` must never
  // decrease.
  [[nodiscard]] bool contains(std::string text, protocol::Nanoseconds steady) {
    while (!texts_.empty() && steady - texts_.front().at >= kRepeatAfter) texts_.pop_front();
    const auto is_same = [&](const Text& known) { return known.text == text; };
    if (std::any_of(texts_.begin(), texts_.end(), is_same)) return true;
    if (texts_.size() >= kKept) texts_.pop_front();
    texts_.push_back({std::move(text), steady});
    return false;
  }

 private:
  struct Text {
    std::string text;
    protocol::Nanoseconds at;
  };
  std::deque<Text> texts_;  // the oldest first
};

}  // namespace herd::node
