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

std::optional<Skew> SkewWatch::update(std::size_t index, Nanoseconds skew) {
  if (index >= peers_.size()) peers_.resize(index + 1);
  Peer& peer = peers_[index];
  const Skew state = state_of(skew, peer.reported);
  peer.samples = state == peer.latest ? peer.samples + 1 : 1;
  peer.latest = state;
  if (state == peer.reported || peer.samples < kSamples) return std::nullopt;
  peer.reported = state;
  return state;
}

void SkewWatch::forget(std::size_t index) {
  if (index < peers_.size()) peers_[index] = {};
}

}  // namespace herd::node
