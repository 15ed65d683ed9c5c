// Whose clock is off: a report's time decides which one is the newest, so a herd whose clocks are apart answers with
// the wrong one. Says when a peer's clock leaves or returns, and nothing in between. Pure; used on the loop's thread
// only.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "protocol/clock.hpp"

namespace herd::node {

enum class Skew : std::uint8_t {
  Well,  // within a second
  Off,   // an operator should look
  Far,   // reports of clients that move between the nodes are taken in a wrong order
};

class SkewWatch {
 public:
  // Where a clock leaves, and below what it must come to have returned: a clock at the limit is not told of each
  // second.
  static constexpr std::chrono::milliseconds kOff{1'000};
  static constexpr std::chrono::milliseconds kNoLongerOff{500};
  static constexpr std::chrono::seconds kFar{30};
  static constexpr std::chrono::seconds kNoLongerFar{20};
  // A state must last for so many looks: a single PONG that was delayed is no skew.
  static constexpr int kLooks = 3;

  explicit SkewWatch(std::size_t peers) : peers_(peers) {}

  // A look at the peer's clock minus ours, about once a second. The new state, when it has changed.
  [[nodiscard]] std::optional<Skew> look(std::size_t peer, protocol::Nanoseconds skew);

 private:
  struct Peer {
    Skew told = Skew::Well;
    Skew seen = Skew::Well;  // lately
    int looks = 0;           // so often
  };
  std::vector<Peer> peers_;
};

}  // namespace herd::node
