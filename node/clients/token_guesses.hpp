// The recent wrong tokens of each address, so that many connections of one address cannot guess faster than a few. An
// entry ends kAuthDelay after the guess, also if its connection is closed before. Addresses as in ClientAddresses.
// Owned by the Authenticator, used on the loop's thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <unordered_map>

#include "protocol/clock.hpp"

namespace herd::node {

class TokenGuesses {
 public:
  // Whether a token from this address may be compared now, in steady time. False after kMaxGuessesOfAddress wrong ones
  // of the address, or kMaxGuessesInAll of all, within kAuthDelay.
  [[nodiscard]] bool allow(std::uint64_t network, protocol::Nanoseconds now);

  // A token from this address was wrong. Call it only after allow() was true.
  void add(std::uint64_t network, protocol::Nanoseconds now);

 private:
  struct Guess {
    std::uint64_t network;
    protocol::Nanoseconds ends;
  };

  std::deque<Guess> recent_;  // the oldest first
  std::unordered_map<std::uint64_t, std::size_t> of_network_;
};

}  // namespace herd::node
