// Detects peers with a clock that differs from this node's. The time of a report decides which report is the newest, so
// nodes with different clocks may keep the wrong one. Returns each change of a peer's state once. Pure; used on the
// loop thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "protocol/clock.hpp"

namespace herd::node {

enum class Skew : std::uint8_t {
  Well,  // at most kOff
  Off,   // above kOff: an operator should look
  Far,   // above kFar: reports of clients that move between the nodes are merged in the wrong order
};

class SkewWatch {
 public:
  // The differences at which a state begins and ends. The gap between them prevents a report per second for a clock at
  // the limit.
  static constexpr std::chrono::milliseconds kOff{1'000};
  static constexpr std::chrono::milliseconds kNoLongerOff{500};
  static constexpr std::chrono::seconds kFar{30};
  static constexpr std::chrono::seconds kNoLongerFar{20};
  // A state counts after this number of consecutive samples: a single delayed PONG is not a skew.
  static constexpr int kSamples = 3;

  // Adds a sample: the clock of the peer with this number minus this node's. Call it about once per second. Returns the
  // new state if it has changed, else nullopt.
  [[nodiscard]] std::optional<Skew> update(std::size_t peer, protocol::Nanoseconds skew);
  // The peer with this number was removed: the next one with it begins well.
  void forget(std::size_t peer);

 private:
  struct Peer {
    Skew reported = Skew::Well;
    Skew latest = Skew::Well;  // of the last sample
    int samples = 0;           // consecutive samples with this state
  };
  std::vector<Peer> peers_;  // by number; it grows with the first sample of a peer
};

}  // namespace herd::node
