// Processor time, of servers and of the generator itself, in seconds of user and system time of all threads.
#pragma once

#include <vector>

namespace herd::bench {

struct CpuTime {
  double user = 0;
  double system = 0;
  [[nodiscard]] double total() const { return user + system; }
  CpuTime operator-(const CpuTime& other) const { return {user - other.user, system - other.system}; }
};

// Of the processes together, from /proc/PID/stat, in steps of 10 ms. A process that is gone counts nothing.
CpuTime cpu_of(const std::vector<int>& pids);
CpuTime own_cpu();

}  // namespace herd::bench
