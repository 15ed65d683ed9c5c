// A run of the load generator: connections, one epoll, one thread. What it says of itself at the end is a Result.
#pragma once

#include "tests/bench/load/cpu.hpp"
#include "tests/bench/load/histogram.hpp"
#include "tests/bench/load/options.hpp"

namespace herd::bench {

struct Result {
  std::uint64_t replies = 0;  // within the measured time
  std::uint64_t checked = 0;  // all of them, the warm-up and the end included
  double seconds = 0;         // measured
  Histogram latency;          // of these replies
  CpuTime server;
  CpuTime own;
  std::uint64_t delivered = 0;   // NATS: updates that reached every subscriber
  double delivered_seconds = 0;  // from the first request until then
};

// Runs until the time or the count is over and every request is answered. Throws std::runtime_error at a wrong reply,
// at a closed connection, and when replies stop coming.
Result run_load(const Options& options);

// Tells the first node where a client is, and asks the second until it knows; `count` times (default 1,000), each after
// a rest. The latency is the age of the report at which a question was first answered with it: from the write of the
// IAMAT to the write of that WHATSAT. The second node hears nothing before: the first question leaves at an age which
// is tuned so that half of them come too early, and only those that did are repeated, without a pause. NATS pushes:
// there it runs from the write of the message to its arrival at a subscriber of the second server.
Result run_hop(const Options& options);

}  // namespace herd::bench
