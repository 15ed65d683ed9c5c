// What a node says of itself in the form that Prometheus scrapes. Pure but for read_process_metrics; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "node/observe/http_figures.hpp"
#include "node/observe/status.hpp"

namespace herd::node {

// What the kernel says of this process. A figure that could not be read is absent, and so is its metric.
struct ProcessMetrics {
  std::optional<std::uint64_t> resident_bytes;
  std::optional<std::uint64_t> virtual_bytes;
  std::optional<double> cpu_seconds;  // user and system, all threads
  std::optional<std::uint64_t> open_descriptors;
  std::optional<std::uint64_t> most_descriptors;  // the soft limit; absent if there is none
  std::optional<double> start_time;               // seconds since 1970 by the machine's clock
};

// Reads /proc/self; some tens of microseconds.
[[nodiscard]] ProcessMetrics read_process_metrics();

// Prometheus text format 0.0.4. Every name begins with herd_, but for the process_ ones, which dashboards know.
[[nodiscard]] std::string to_prometheus(const Status& status, const ProcessMetrics& process,
                                        const http::Figures& http = {});

}  // namespace herd::node
