#include "node/app/node_options.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>

#include "node/app/providers.hpp"
#include "node/base/random_id.hpp"

namespace herd::node {
namespace {

// The records of one flush when no reply waits for the journal: less than 0.1 ms of the loop.
constexpr std::size_t kRecordsPerIteration = 1'024;
constexpr std::chrono::milliseconds kWorkerMargin{100};

}  // namespace

bus::LinkLimits link_limits(const Config& config) {
  bus::LinkLimits limits{config.bus.max_in_flight, config.bus.max_batch};
  limits.prompt_durable = config.updates.replicas > 0;
  // An ACK may wait only if neither replies nor the next batch wait for it.
  if (config.updates.replicas == 0 && config.bus.max_in_flight > 1) limits.ack_delay = bus::kAckDelay;
  return limits;
}

bus::Replica::Options replica_options(const Config& config, const std::string& name, const ReplicaSinks& sinks) {
  bus::Replica::Options options;
  options.reports = &sinks.reports;
  options.propagation = &sinks.propagation;
  options.self = {config.herd_name, name, random_id(), 0, config.find(name)->bus_public};
  options.name_wait = bus::kNameWait;
  options.peers = config.find(name)->peers;
  options.limits = link_limits(config);
  options.jitter_seed = random_id();
  options.random_id = random_id;
  options.durability.journal = config.updates.ack != Acknowledge::Memory;
  options.durability.replicas = config.updates.replicas;
  // Where replies wait for the journal, a flush keeps its usual limit: it may cost a sync, so it should be long.
  if (config.updates.ack == Acknowledge::Memory && config.updates.replicas == 0) {
    options.planner.records_per_flush = kRecordsPerIteration;
  }
  return options;
}

places::WorkerOptions worker_options(const PlacesConfig& config, std::function<void(places::ProviderFigures)> report) {
  places::WorkerOptions options;
  // Shorter than the client's timeout, so that the worker's answer at its own timeout still arrives in time.
  options.timeout = config.timeout - std::min(config.timeout / 8, kWorkerMargin);
  options.make_providers = [config](places::HttpFetcher& http, const std::stop_token& stop) {
    return places::make_providers(config, http, stop);
  };
  options.report = std::move(report);
  return options;
}

}  // namespace herd::node
