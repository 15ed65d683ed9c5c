#include "bus/link/known_to_peer.hpp"

#include "bus/store/mutants.hpp"

namespace herd::bus {

bool KnownToPeer::contains(const Store& store, const Feed::Entry& entry) const {
  if (mutated(Mutant::NewPeerGetsNoSnapshot) && entry.number <= after_) return true;
  if (store.came_by(entry.index) != peer_) return false;
  return entry.number > after_ || mutated(Mutant::EchoSkipForgetsIncarnation);
}

}  // namespace herd::bus
