#include "tests/bench/load/cpu.hpp"

#include <unistd.h>

#include <ctime>

namespace herd::bench {

CpuTime cpu_of(const std::vector<int>& pids) {
  CpuTime sum;
  for (const int pid : pids) {
    clockid_t clock = 0;
    timespec time{};
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) != 0) continue;
    sum.seconds += static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
  }
  return sum;
}

CpuTime own_cpu() {
  return cpu_of({getpid()});
}

}  // namespace herd::bench
