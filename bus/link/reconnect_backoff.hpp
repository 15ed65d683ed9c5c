// When a connection that looks well is opened anew, because nobody answers what is said on it. Its other end may be
// gone without a word to ours: behind a proxy, a tunnel or a box that has forgotten it, the near half stays open, takes
// all that is said, and the system sees nothing wrong.
//
// The patience doubles with each attempt in vain: where the peer is only slow to answer, a connection that was opened
// anew too soon would never come to anything. Pure; one for each peer, used on the loop's thread only.
#pragma once

#include <algorithm>
#include <chrono>

#include "bus/link/link.hpp"
#include "protocol/clock.hpp"

namespace herd::bus {

// Above what ends a connection whose host has vanished (bus/zmq/zmq_options.cpp): the system is first.
inline constexpr std::chrono::nanoseconds kReconnectAfter = 5s;
inline constexpr std::chrono::nanoseconds kReconnectAfterMax = 60s;

class ReconnectBackoff {
 public:
  explicit ReconnectBackoff(protocol::Nanoseconds now) : due_(now + kReconnectAfter) {}

  // How the link is now. True: open its connection anew, which counts as done.
  [[nodiscard]] bool update(Connected state, protocol::Nanoseconds now) {
    if (state == Connected::Up) patience_ = kReconnectAfter;
    const bool wanted = state != Connected::Up && now >= due_;
    if (wanted) patience_ = std::min<protocol::Nanoseconds>(2 * patience_, kReconnectAfterMax);
    if (wanted || state == Connected::Up) due_ = now + patience_;
    return wanted;
  }

  // When update() must be called again.
  [[nodiscard]] protocol::Nanoseconds due() const { return due_; }

 private:
  protocol::Nanoseconds patience_ = kReconnectAfter;
  protocol::Nanoseconds due_;
};

}  // namespace herd::bus
