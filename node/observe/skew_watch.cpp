#include "node/observe/skew_watch.hpp"

namespace herd::node {
namespace {

using protocol::Nanoseconds;

Skew state_of(Nanoseconds skew, Skew before) {
  const Nanoseconds size = skew < Nanoseconds{} ? (skew == Nanoseconds::min() ? Nanoseconds::max() : -skew) : skew;
  const Nanoseconds far = before == Skew::Far ? Nanoseconds(SkewWatch::kNoLongerFar) : Nanoseconds(SkewWatch::kFar);
  const Nanoseconds off = before == Skew::Well ? Nanoseconds(SkewWatch::kOff) : Nanoseconds(SkewWatch::kNoLongerOff);
  if (size > far) return Skew::Far;
  return size > off ? Skew::Off : Skew::Well;
}

}  // namespace

std::optional<Skew> SkewWatch::look(std::size_t index, Nanoseconds skew) {
  Peer& peer = peers_[index];
  const Skew state = state_of(skew, peer.told);
  peer.looks = state == peer.seen ? peer.looks + 1 : 1;
  peer.seen = state;
  if (state == peer.told || peer.looks < kLooks) return std::nullopt;
  peer.told = state;
  return state;
}

}  // namespace herd::node
