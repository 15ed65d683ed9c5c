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
};

// Runs until the time or the count is over and every request is answered. Throws std::runtime_error at a wrong reply,
// at a closed connection, and when replies stop coming.
Result run_load(const Options& options);

// Tells the first node where a client is, and asks the second without a pause until it knows; `count` times (default
// 1,000), each after a rest. The latency runs from the write of the IAMAT to the arrival of the answer that holds it.
// The answers that came too early are counted in `checked`.
Result run_hop(const Options& options);

}  // namespace herd::bench
