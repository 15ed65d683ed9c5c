// The node's events, each with its subject and fields as docs/MONITORING.md lists them. Loop thread, like the Monitor.
// Nothing is put together for an event that no viewer wants.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>

#include "bus/store/record.hpp"
#include "node/observe/monitor.hpp"
#include "node/observe/status.hpp"

namespace herd::node {

// A client is somewhere else: `location`, or `reset` where an operator has taken the record back (no coordinates).
void publish_client(Monitor& monitor, const bus::RecordView& record, protocol::Nanoseconds wall);

// A link has changed to the state it is in now: `link_opened`, `link_half` or `link_lost`.
void publish_link(Monitor& monitor, const LinkStatus& link, protocol::Nanoseconds wall);

// Something that an operator should see; `event` is its name, as in the log, and `message` a sentence.
struct Trouble {
  EventLevel level = EventLevel::Warning;
  EventKind kind = EventKind::Node;
  std::string_view event;
  std::string_view message;
};
void publish_trouble(Monitor& monitor, const Trouble& trouble, protocol::Nanoseconds wall);

// The stats, once a second and whenever a viewer has come: all figures of the status that are numbers, and of each
// counter also its growth a second.
class StatsEvents {
 public:
  // `status.taken` says when. The rates are those of the time since the former call; after less than kLeastSpan, which
  // would make them noise, those of the former call are repeated.
  void publish(Monitor& monitor, const Status& status);

  static constexpr std::chrono::milliseconds kLeastSpan{500};

 private:
  void update_rates(const Status& status);

  std::map<std::string, double> rates_;  // by the name of the field: "iamat_stored_per_s"
  std::map<std::string, std::uint64_t> counters_;
  protocol::Nanoseconds counted_{};  // steady time of counters_
};

}  // namespace herd::node
