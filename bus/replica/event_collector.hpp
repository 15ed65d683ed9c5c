// Collects the events and counters of a replica (bus/replica/events.hpp) until the node takes them. All parts of the
// replica report here.
//
// Bounded: at most kMaxRefusals events about unusable messages between two calls of take(), and one event for each peer
// that a divergence was repaired from; the counters count all. Owned by the replica; loop thread only.
#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "bus/replica/events.hpp"
#include "protocol/duration_histogram.hpp"

namespace herd::bus {

class EventCollector {
 public:
  static constexpr std::size_t kMaxRefusals = 64;

  // `propagation` must outlive the collector; nullptr: nothing is counted there.
  explicit EventCollector(protocol::DurationHistogram* propagation = nullptr) : propagation_(propagation) {}

  void note(LinkChanged event) { events_.links.push_back(std::move(event)); }
  void note(NameConflict event) { events_.conflicts.push_back(std::move(event)); }
  void note(FeedRenewed event) { events_.renewed.push_back(std::move(event)); }
  // Adds to the event of this peer, if there is one.
  void note(DivergenceRepaired event);
  // Dropped if there are kMaxRefusals.
  void note(PeerRefused event);

  // Counts a message that is not used, and notes why.
  void refuse(std::string peer, std::string reason) {
    ++counters_.messages_refused;
    note(PeerRefused{std::move(peer), std::move(reason)});
  }

  // The events since the last call.
  [[nodiscard]] Events take() { return std::exchange(events_, {}); }

  [[nodiscard]] ReplicaCounters& counters() { return counters_; }
  [[nodiscard]] const ReplicaCounters& counters() const { return counters_; }

  // An update of another origin, accepted there `age` ago, was merged (Replica::Options::propagation).
  void propagated(protocol::Nanoseconds age) {
    if (propagation_ != nullptr) propagation_->add(age);
  }

 private:
  Events events_;
  ReplicaCounters counters_;
  protocol::DurationHistogram* propagation_ = nullptr;
};

}  // namespace herd::bus
