#include "bus/replica/event_collector.hpp"

#include <algorithm>

namespace herd::bus {

void EventCollector::note(DivergenceRepaired event) {
  const auto noted = std::find_if(events_.repaired.begin(), events_.repaired.end(),
                                  [&](const DivergenceRepaired& other) { return other.peer == event.peer; });
  if (noted == events_.repaired.end()) {
    events_.repaired.push_back(std::move(event));
  } else {
    noted->records += event.records;
  }
}

void EventCollector::note(PeerRefused event) {
  if (events_.refused.size() < kMaxRefusals) events_.refused.push_back(std::move(event));
}

}  // namespace herd::bus
