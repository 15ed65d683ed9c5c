// The monitor's part of an iteration: serves its viewers, and publishes the stats once a second, and at once when a
// viewer subscribes to them. Loop thread only.
#pragma once

#include <functional>

#include "node/observe/events.hpp"
#include "node/observe/monitor.hpp"
#include "node/observe/status.hpp"
#include "protocol/clock.hpp"

namespace herd::node {

class StatsPublisher {
 public:
  // The monitor must outlive it. `status` is asked only when stats are due and wanted.
  StatsPublisher(Monitor& monitor, std::function<Status()> status) : monitor_(monitor), status_(std::move(status)) {}

  // Once an iteration, after what was published in it. True if something is left to do: call it again without waiting.
  [[nodiscard]] bool serve(const protocol::Now& now);

  // When serve() must be called even if nothing comes, in steady time; max() for never.
  [[nodiscard]] protocol::Nanoseconds next_deadline() const;

 private:
  [[nodiscard]] bool wanted() const { return monitor_.wanted({EventLevel::Info, EventKind::Stats}); }

  Monitor& monitor_;
  std::function<Status()> status_;
  StatsEvents events_;
  protocol::Nanoseconds due_{};
  protocol::Nanoseconds published_{};
};

// What the monitor has counted since the start.
void add_monitor(Status& status, const Monitor& monitor);

}  // namespace herd::node
