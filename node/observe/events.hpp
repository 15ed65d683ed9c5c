// The events that the node publishes to its monitor, each with the subject and fields that docs/MONITORING.md lists.
// Loop thread only, like the Monitor. An event that no viewer has subscribed to is not composed.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>

#include "bus/store/record.hpp"
#include "node/observe/monitor.hpp"
#include "node/observe/status.hpp"

namespace herd::node {

// Publishes the change of a client's record: `location`, also by the topic of its cell, or `reset` if the record has no
// coordinates because an operator has reset the client. `number` is the change number of the record in this node's
// feed. `wall` is the timestamp of the event, here and below.
void publish_client(Monitor& monitor, bus::ChangeNumber number, const bus::RecordView& record,
                    protocol::Nanoseconds wall);

// Publishes `durable`: the changes of this node's feed up to `number` are in its journal.
void publish_durable(Monitor& monitor, bus::ChangeNumber number, protocol::Nanoseconds wall);

// Whether a viewer has subscribed to such changes, or to those in an area.
[[nodiscard]] bool wants_clients(const Monitor& monitor);

// Publishes that a link has entered the state in `link`: `link_opened`, `link_half` or `link_lost`.
void publish_link(Monitor& monitor, const LinkStatus& link, protocol::Nanoseconds wall);

// An event that an operator should see. `event` is its name, as in the log; `message` is a sentence. Both are borrowed.
struct Trouble {
  EventLevel level = EventLevel::Warning;
  EventKind kind = EventKind::Node;
  std::string_view event;
  std::string_view message;
};
void publish_trouble(Monitor& monitor, const Trouble& trouble, protocol::Nanoseconds wall);

// Publishes the `stats` event: the numbers of the status, and for each counter also its rate per second.
class StatsEvents {
 public:
  // Publishes the stats of the time `status.taken`. The rates are averages since the previous call. If that was less
  // than kLeastSpan ago, too short for a meaningful rate, the previous rates are repeated.
  void publish(Monitor& monitor, const Status& status);

  static constexpr std::chrono::milliseconds kLeastSpan{500};

 private:
  void update_rates(const Status& status);

  std::map<std::string, double> rates_;                 // by field name: "iamat_stored_per_s"
  std::map<std::string_view, CounterStatus> counters_;  // at the time counted_
  protocol::Nanoseconds counted_{};                     // steady time
};

}  // namespace herd::node
