// Processor time of the servers and of the generator: seconds of user and system time, of all threads.
#pragma once

#include <vector>

namespace herd::bench {

struct CpuTime {
  double seconds = 0;
  CpuTime operator-(const CpuTime& other) const { return {seconds - other.seconds}; }
};

// The sum over these processes. A process that has ended counts 0.
CpuTime cpu_of(const std::vector<int>& pids);
CpuTime own_cpu();

}  // namespace herd::bench
