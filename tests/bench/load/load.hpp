// A run of the load generator: connections in one epoll, on one thread. Its measurements are the Result.
#pragma once

#include "tests/bench/load/cpu.hpp"
#include "tests/bench/load/histogram.hpp"
#include "tests/bench/load/options.hpp"
#include "tests/bench/load/watcher.hpp"

namespace herd::bench {

struct Result {
  std::uint64_t replies = 0;  // within the measured time
  std::uint64_t checked = 0;  // all replies, those of the warm-up and the end included
  double seconds = 0;         // measured
  Histogram latency;          // of these replies
  CpuTime server;
  CpuTime own;
  std::uint64_t delivered = 0;   // NATS: updates that reached every subscriber
  double delivered_seconds = 0;  // from the first request until then
  Events events;                 // that watchers received within the measured time
};

// Runs until the time or the count is reached and every request has its reply. Throws std::runtime_error at a wrong
// reply, at a closed connection, and if no reply comes for 20 s.
Result run_load(const Options& options);

// Reports a client to the first node and queries the second until it has the report; `count` times (default 1,000),
// each after a pause. The latency is the time from the write of the IAMAT to the write of the first WHATSAT that was
// answered with this report. The second node receives no query earlier than it must: the delay of the first query is
// tuned so that half of the first queries come too early. Only these are repeated, without a pause. NATS pushes, so
// there the latency is the time from the write of the message to its arrival at a subscriber of the second server;
// with kWatchHop it is the time until the event at a watcher of the second node.
Result run_hop(const Options& options);

}  // namespace herd::bench
