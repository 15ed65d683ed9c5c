#include "tests/bench/load/cpu.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <limits>
#include <sstream>
#include <string>

namespace herd::bench {

CpuTime cpu_of(const std::vector<int>& pids) {
  const double tick = 1.0 / static_cast<double>(sysconf(_SC_CLK_TCK));
  CpuTime sum;
  for (const int pid : pids) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    // The second field is the name in parentheses, which may hold blanks; user and system time are fields 14 and 15.
    file.ignore(std::numeric_limits<std::streamsize>::max(), ')');
    std::string skipped;
    for (int field = 3; field < 14; ++field) file >> skipped;
    double user = 0;
    double system = 0;
    if (file >> user >> system) {
      sum.user += user * tick;
      sum.system += system * tick;
    }
  }
  return sum;
}

CpuTime own_cpu() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return {seconds(usage.ru_utime), seconds(usage.ru_stime)};
}

}  // namespace herd::bench
