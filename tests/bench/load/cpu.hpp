// Processor time, of servers and of the generator itself, in seconds of user and system time of all threads.
#pragma once

#include <vector>

namespace herd::bench {

struct CpuTime {
  double seconds = 0;
  CpuTime operator-(const CpuTime& other) const { return {seconds - other.seconds}; }
};

// Of the processes together, all threads. A process that is gone counts nothing.
CpuTime cpu_of(const std::vector<int>& pids);
CpuTime own_cpu();

}  // namespace herd::bench
