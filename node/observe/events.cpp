#include "node/observe/events.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "node/observe/geohash.hpp"
#include "protocol/command.hpp"
#include "protocol/point.hpp"
#include "protocol/unreachable.hpp"

namespace herd::node {
namespace {

using std::chrono::duration;

constexpr Subject kClient{EventLevel::Info, EventKind::Client};

// Parses one signed decimal number. std::from_chars does not accept a plus sign.
double degrees(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// The text was validated when the record was created: two numbers, each with its sign.
protocol::Position position_of(std::string_view coordinates) {
  const auto second = std::min(coordinates.find_first_of("+-", 1), coordinates.size());
  return {degrees(coordinates.substr(0, second)), degrees(coordinates.substr(second))};
}

std::string_view event_of(bus::Connected state) {
  switch (state) {
    case bus::Connected::Down:
      return "link_lost";
    case bus::Connected::Half:
      return "link_half";
    case bus::Connected::Up:
      return "link_opened";
  }
  protocol::unreachable();
}

std::uint64_t links_in(const Status& status, bus::Connected state) {
  return static_cast<std::uint64_t>(
      std::count_if(status.links.begin(), status.links.end(), [&](const auto& link) { return link.state == state; }));
}

std::uint64_t greatest_lag(const Status& status) {
  std::uint64_t greatest = 0;
  for (const auto& link : status.links) greatest = std::max(greatest, link.lag);
  return greatest;
}

}  // namespace

bool wants_clients(const Monitor& monitor) {
  return monitor.wanted(kClient) || monitor.wants_cells();
}

void publish_client(Monitor& monitor, bus::ChangeNumber number, const bus::RecordView& record,
                    protocol::Nanoseconds wall) {
  if (!wants_clients(monitor)) return;
  if (record.coordinates.empty()) {
    monitor.publish(kClient, "reset",
                    std::array<Field, 3>{{{"client", record.client}, {"origin", record.origin}, {"change", number}}},
                    wall);
    return;
  }
  const auto position = position_of(record.coordinates);
  const std::array<Field, 7> fields{{{"client", record.client},
                                     {"coordinates", record.coordinates.view()},
                                     {"latitude", position.latitude},
                                     {"longitude", position.longitude},
                                     {"time", record.time_text.view()},
                                     {"origin", record.origin},
                                     {"change", number}}};
  if (monitor.wants_cells()) {
    const Geohash cell = geohash_of(protocol::point_of(record.coordinates.view()));
    monitor.publish_cell(cell, "location", fields, wall);
  }
  monitor.publish(kClient, "location", fields, wall);
}

void publish_durable(Monitor& monitor, bus::ChangeNumber number, protocol::Nanoseconds wall) {
  monitor.publish({EventLevel::Info, EventKind::Node}, "durable", std::array<Field, 1>{{{"change", number}}}, wall);
}

void publish_link(Monitor& monitor, const LinkStatus& link, protocol::Nanoseconds wall) {
  monitor.publish({EventLevel::Info, EventKind::Peer}, event_of(link.state),
                  std::array<Field, 3>{{{"peer", link.peer}, {"state", to_string(link.state)}, {"lag", link.lag}}},
                  wall);
}

void publish_trouble(Monitor& monitor, const Trouble& trouble, protocol::Nanoseconds wall) {
  monitor.publish({trouble.level, trouble.kind}, trouble.event, std::array<Field, 1>{{{"message", trouble.message}}},
                  wall);
}

void StatsEvents::publish(Monitor& monitor, const Status& status) {
  constexpr Subject kSubject{EventLevel::Info, EventKind::Stats};
  update_rates(status);
  if (!monitor.wanted(kSubject)) return;
  const auto digest = hexadecimal(status.digest);
  std::vector<Field> fields{{"uptime_s", duration<double>(status.uptime).count()},
                            {"ready", status.ready},
                            {"digest", digest},
                            {"clients", status.clients},
                            {"connections", status.connections},
                            {"links_up", links_in(status, bus::Connected::Up)},
                            {"links_half", links_in(status, bus::Connected::Half)},
                            {"links_down", links_in(status, bus::Connected::Down)},
                            {"greatest_lag", greatest_lag(status)}};
  for (const auto& [name, counter] : status.counters) fields.push_back({name, counter.value});
  for (const auto& [name, value] : rates_) fields.push_back({name, value});
  monitor.publish(kSubject, "stats", fields, status.taken.wall);
}

void StatsEvents::update_rates(const Status& status) {
  const auto span = status.taken.steady - counted_;
  if (!counters_.empty() && span < kLeastSpan) return;
  for (const auto& [name, counter] : status.counters) {
    const auto before = counters_.find(name);
    if (before == counters_.end()) continue;
    rates_[std::string(name) + "_per_s"] =
        static_cast<double>(counter.value - before->second.value) / duration<double>(span).count();
  }
  counters_ = status.counters;
  counted_ = status.taken.steady;
}

}  // namespace herd::node
