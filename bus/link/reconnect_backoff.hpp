// Decides when the connection to a peer is closed and opened again, although the operating system reports it as open.
// The far end may be gone without our end noticing: a proxy, a tunnel or a NAT box between them keeps the near half
// open, which accepts everything that is sent.
//
// The delay doubles after each attempt that does not bring the link up. If the peer is only slow to answer, a
// connection that is replaced too early would never become useful. Pure. One for each peer, owned by the bus; loop
// thread only.
#pragma once

#include <algorithm>
#include <chrono>

#include "bus/link/link_limits.hpp"
#include "bus/link/liveness.hpp"
#include "protocol/clock.hpp"

namespace herd::bus {

// Longer than the kernel takes to close a connection to a host that has vanished (bus/zmq/zmq_options.cpp), so that the
// kernel acts first.
inline constexpr std::chrono::nanoseconds kReconnectAfter = 5s;
inline constexpr std::chrono::nanoseconds kReconnectAfterMax = 60s;

class ReconnectBackoff {
 public:
  explicit ReconnectBackoff(protocol::Nanoseconds now) : due_(now + kReconnectAfter) {}

  // Call it with the link's present state. True: open the connection again now; the next attempt is counted from here.
  [[nodiscard]] bool update(Connected state, protocol::Nanoseconds now) {
    if (state == Connected::Up) delay_ = kReconnectAfter;
    const bool wanted = state != Connected::Up && now >= due_;
    if (wanted) delay_ = std::min<protocol::Nanoseconds>(2 * delay_, kReconnectAfterMax);
    if (wanted || state == Connected::Up) due_ = now + delay_;
    return wanted;
  }

  // When update() must be called again, in steady time.
  [[nodiscard]] protocol::Nanoseconds due() const { return due_; }

 private:
  protocol::Nanoseconds delay_ = kReconnectAfter;
  protocol::Nanoseconds due_;
};

}  // namespace herd::bus
