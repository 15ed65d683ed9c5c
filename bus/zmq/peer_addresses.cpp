#include "bus/zmq/peer_addresses.hpp"

#include <algorithm>

#include "protocol/assert.hpp"

namespace herd::bus {

using protocol::Nanoseconds;
using protocol::Now;

void PeerAddresses::set(PeerIndex peer, const std::string& configured) {
  if (peers_.has(peer)) remove(peer);
  peers_.put(peer, PeerAddress(configured));
  if (!peers_[peer].host().empty()) named_.push_back(peer);
  HERD_ASSERT(resolver_ != nullptr || named_.empty());
}

void PeerAddresses::remove(PeerIndex peer) {
  peers_.remove(peer);
  std::erase(named_, peer);
}

std::vector<PeerIndex> PeerAddresses::update(const IsUp& is_up, Now now) {
  std::vector<PeerIndex> dialled;
  if (named_.empty()) return dialled;
  while (const auto answer = resolver_->take_answer()) {
    for (const PeerIndex peer : named_) {
      if (peers_[peer].host() == answer->host && peers_[peer].receive(*answer, now)) dialled.push_back(peer);
    }
  }
  for (const PeerIndex peer : named_) {
    const PeerAddress::Step step = peers_[peer].update(is_up(peer), now);
    if (step.ask) resolver_->ask(peers_[peer].host());
    if (step.dial) dialled.push_back(peer);
  }
  return dialled;
}

Nanoseconds PeerAddresses::due() const {
  Nanoseconds due = Nanoseconds::max();
  for (const PeerIndex peer : named_) due = std::min(due, peers_[peer].due());
  return due;
}

std::vector<PeerAddresses::Change> PeerAddresses::take_changes() {
  std::vector<Change> changes;
  for (const PeerIndex peer : named_) {
    if (auto change = peers_[peer].take_change()) changes.push_back({peer, std::move(*change)});
  }
  return changes;
}

}  // namespace herd::bus
