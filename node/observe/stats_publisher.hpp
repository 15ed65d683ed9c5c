// The monitor's work in a loop iteration: serves the viewers, and publishes the stats once per second, and at once when
// a viewer subscribes to them. Loop thread only.
#pragma once

#include <functional>

#include "node/observe/events.hpp"
#include "node/observe/monitor.hpp"
#include "node/observe/status.hpp"
#include "protocol/clock.hpp"

namespace herd::node {

class StatsPublisher {
 public:
  // The monitor must outlive this object. `status` is called only when stats are due and a viewer has subscribed.
  StatsPublisher(Monitor& monitor, std::function<Status()> status) : monitor_(monitor), status_(std::move(status)) {}

  // Call it once per loop iteration, after all events of the iteration are published. Returns true if work is left:
  // call it again without waiting.
  [[nodiscard]] bool serve(const protocol::Now& now);

  // The steady time at which serve() must be called even if the monitor's descriptor is not readable; max(): never.
  [[nodiscard]] protocol::Nanoseconds next_deadline() const;

 private:
  [[nodiscard]] bool wanted() const { return monitor_.wanted({EventLevel::Info, EventKind::Stats}); }

  Monitor& monitor_;
  std::function<Status()> status_;
  StatsEvents events_;
  protocol::Nanoseconds due_{};
  protocol::Nanoseconds published_{};
};

}  // namespace herd::node
