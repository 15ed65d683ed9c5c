#include "node/observe/monitor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "bus/zmq/stranger_probe.hpp"
#include "node/base/address.hpp"
#include "node/observe/zmtp.hpp"
#include "protocol/unreachable.hpp"

namespace herd::node {
namespace {

using protocol::fail;
using protocol::Nanoseconds;
using protocol::Result;

constexpr std::array<std::string_view, 3> kLevelNames{"INFO", "WARNING", "ERROR"};
constexpr std::array<std::string_view, 5> kKindNames{"stats", "client", "peer", "places", "node"};
constexpr Subject kStats{EventLevel::Info, EventKind::Stats};

}  // namespace

Result<std::unique_ptr<Monitor>> Monitor::bind(const std::string& endpoint, const std::string& node,
                                               const Viewers::Limits& limits, std::optional<ViewerKeys> keys) {
  const auto address = parse_endpoint(endpoint);
  if (!address) return fail(fmt::format("monitor address of node {} {}", node, address.error().message));
  std::unique_ptr<Monitor> monitor(new Monitor(node, limits));
  if (keys) monitor->set_keys(std::move(*keys), {});
  if (auto listening = monitor->viewers_.listen(*address); !listening) {
    return fail(
        fmt::format("monitor address {} cannot be bound: {}; end what uses it or give node {} another `monitor`",
                    endpoint, listening.error().message, node));
  }
  return monitor;
}

Monitor::Monitor(const std::string& node, const Viewers::Limits& limits)
    : node_(node), topics_(topics_of(node)), viewers_(topics_, limits) {}

void Monitor::set_keys(ViewerKeys keys, Nanoseconds steady) {
  viewers_.set_keys(std::move(keys), steady);
}

Result<void> Monitor::prove(zmq::context_t& context, const std::string& endpoint) {
  bus::StrangerProbe probe(context, endpoint, viewers_.keys().own.public_key);
  viewers_.set_stranger(probe.key());
  const auto outcome =
      probe.wait(viewers_.descriptor(), [this] { (void)serve(std::chrono::steady_clock::now().time_since_epoch()); });
  viewers_.set_stranger({});
  switch (outcome) {
    case bus::StrangerProbe::Outcome::Refused:
      return {};
    case bus::StrangerProbe::Outcome::Accepted:
      return fail(
          fmt::format("monitor address {} accepts a stranger with a random key, which is a fault of this "
                      "program: report it, and write a loopback address",
                      endpoint));
    case bus::StrangerProbe::Outcome::NoAnswer:
      return fail(
          fmt::format("monitor address {} did not refuse a stranger with a random key in time: check that this "
                      "host can connect to the address, then start the node again",
                      endpoint));
  }
  protocol::unreachable();
}

std::vector<std::string> Monitor::topics_of(const std::string& node) {
  static_assert(kLevelNames.size() == kLevels && kKindNames.size() == kKinds, "every level and kind has its word");
  std::vector<std::string> topics;
  for (const std::string_view level : kLevelNames) {
    for (const std::string_view kind : kKindNames) topics.push_back(fmt::format("herd.{}.{}.{}", level, kind, node));
  }
  return topics;
}

Monitor::News Monitor::serve(Nanoseconds steady) {
  const TopicSet fresh = viewers_.serve(steady);
  return {(fresh >> index(kStats) & 1U) != 0, viewers_.has_more()};
}

bool Monitor::send(Nanoseconds steady) {
  viewers_.send(steady);
  return viewers_.has_more();
}

std::size_t Monitor::events_at_once(Subject subject) const {
  const std::size_t areas = subject.kind == EventKind::Client ? viewers_.areas() : 0;
  return std::max<std::size_t>(
      kDeliveriesAtOnce / std::max<std::size_t>(viewers_.subscribed(index(subject)) + areas, 1), 1);
}

void Monitor::publish(Subject subject, std::string_view event, std::span<const Field> fields, Nanoseconds wall) {
  if (!wanted(subject)) return;
  compose(++events_[index(subject)], event, fields, wall);
  ++published_;
  viewers_.publish(index(subject), zmtp::message(topics_[index(subject)], body_));
}

void Monitor::publish_cell(Geohash cell, std::string_view event, std::span<const Field> fields, Nanoseconds wall) {
  if (!viewers_.covers(cell)) return;
  compose(0, event, fields, wall);
  ++published_;
  viewers_.publish_cell(cell, zmtp::message(cell_topic(cell, node_), body_));
}

void Monitor::compose(std::uint64_t seq, std::string_view event, std::span<const Field> fields, Nanoseconds wall) {
  const auto append = [this](const Field& field) {
    body_ += ',';
    append_field(body_, field);
  };
  const auto timestamp = utc_text(wall);
  body_ = R"({"v":1)";
  append({"node", node_});
  if (seq > 0) append({"seq", seq});
  append({"timestamp", timestamp});
  append({"event", event});
  for (const Field& field : fields) append(field);
  body_ += '}';
}

}  // namespace herd::node
