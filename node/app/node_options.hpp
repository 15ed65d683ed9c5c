// Options of a node's parts, made from the configuration. Called at the start, on the loop's thread. Pure but for
// the random numbers.
#pragma once

#include <functional>
#include <string>

#include "bus/replica/replica.hpp"
#include "node/config/config.hpp"
#include "node/places/worker.hpp"

namespace herd::node {

// Where the replica puts what it learns of others; both must outlive it.
struct ReplicaSinks {
  bus::NodeReports& reports;
  protocol::DurationHistogram& propagation;
};

// The limits of the replica's links.
[[nodiscard]] bus::LinkLimits link_limits(const Config& config);

// The options of the replica of node `name`, which the configuration must contain. The incarnation is random; the feed
// id is 0, because the recovered state sets it. `reports` must outlive the replica.
[[nodiscard]] bus::Replica::Options replica_options(const Config& config, const std::string& name,
                                                    const ReplicaSinks& sinks);

// The options of the places worker. Its timeout is a little shorter than the one of the places client.
[[nodiscard]] places::WorkerOptions worker_options(const PlacesConfig& config,
                                                   std::function<void(places::ProviderFigures)> report);

}  // namespace herd::node
