#include "bus/loop/loop.hpp"

#include <algorithm>
#include <utility>

#include "bus/store/mutants.hpp"

namespace herd::bus {

using protocol::Nanoseconds;
using protocol::Now;

bool Loop::end_iteration(Now now) {
  bool busy = false;
  if (mutated(Mutant::FlushBeforeReceive)) busy = flush(now);
  busy = pump_.run(now) || busy;
  parts_.host.deliver(now);
  if (!mutated(Mutant::FlushBeforeReceive)) busy = flush(now) || busy;
  if (!disk_lost_) release();
  return parts_.host.report(now) || busy;
}

// Returns true if the next iteration must begin at once.
bool Loop::flush(Now now) {
  const std::uint64_t flushes = parts_.journal.counters().flushes;
  if (!parts_.journal.advance(parts_.replica, now)) {
    disk_lost_ = !mutated(Mutant::LostDiskIgnored);
    return false;
  }
  // The peers were served before this flush counted. Their replies may wait for the ACK that reports it as durable.
  const bool counted = parts_.journal.counters().flushes != flushes;
  return counted && parts_.replica.durability().replicas > 0 && !mutated(Mutant::DurableAckWaits);
}

void Loop::release() {
  Replica& replica = parts_.replica;
  const ChangeNumber acknowledged =
      mutated(Mutant::ReleasedBeforeDurable) ? replica.store().feed().tail() : replica.acknowledged();
  if (std::exchange(released_, acknowledged) != acknowledged) parts_.host.release(acknowledged);
  if (replica.durability().replicas > 0 && !mutated(Mutant::AwaitedUnknown)) replica.await(parts_.host.awaited());
}

Nanoseconds Loop::next_deadline(Now now) const {
  return std::min(pump_.next_deadline(now), parts_.journal.next_deadline(parts_.replica));
}

}  // namespace herd::bus
