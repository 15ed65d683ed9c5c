#include "node/clients/token_guesses.hpp"

#include "node/base/limits.hpp"
#include "protocol/assert.hpp"

namespace herd::node {

bool TokenGuesses::allow(std::uint64_t network, protocol::Nanoseconds now) {
  while (!recent_.empty() && recent_.front().ends <= now) {
    const auto found = of_network_.find(recent_.front().network);
    HERD_ASSERT(found != of_network_.end());
    if (--found->second == 0) of_network_.erase(found);
    recent_.pop_front();
  }
  const auto found = of_network_.find(network);
  return recent_.size() < kMaxGuessesInAll && (found == of_network_.end() || found->second < kMaxGuessesOfAddress);
}

void TokenGuesses::add(std::uint64_t network, protocol::Nanoseconds now) {
  HERD_ASSERT(recent_.size() < kMaxGuessesInAll);
  recent_.push_back({network, now + kAuthDelay});
  ++of_network_[network];
}

}  // namespace herd::node
