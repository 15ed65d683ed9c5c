// Holds the latest figures of the places providers, as the worker has reported them, for status and metrics. Publishes
// changes of a provider's state to the monitor. Loop thread only.
#pragma once

#include "node/observe/monitor.hpp"
#include "node/places/figures.hpp"
#include "protocol/clock.hpp"

namespace herd::node {

class PlacesReport {
 public:
  // Stores the figures and publishes the changes of state. `monitor` may be null. `wall` is the timestamp
  // of the events.
  void receive(places::ProviderFigures figures, Monitor* monitor, protocol::Nanoseconds wall);

  // The latest figures, in the order of the configuration; empty until the worker has its providers.
  [[nodiscard]] const places::ProviderFigures& figures() const { return figures_; }

 private:
  places::ProviderFigures figures_;
};

}  // namespace herd::node
