// The text of /metrics, in the format of Prometheus. Pure except for read_process_metrics(); any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "node/observe/http_figures.hpp"
#include "node/observe/status.hpp"

namespace herd::node {

// The kernel's data about this process. A value that cannot be read is absent, and so is its metric.
struct ProcessMetrics {
  std::optional<std::uint64_t> resident_bytes;
  std::optional<std::uint64_t> virtual_bytes;
  std::optional<double> cpu_seconds;  // user and system, all threads
  std::optional<std::uint64_t> open_descriptors;
  std::optional<std::uint64_t> most_descriptors;  // the soft limit; absent if there is none
  std::optional<double> start_time;               // seconds since 1970 by the machine's clock
};

// Reads /proc/self. Takes tens of microseconds.
[[nodiscard]] ProcessMetrics read_process_metrics();

// Returns the Prometheus text format 0.0.4. Names begin with herd_, except the process_ names, which are the standard
// ones that dashboards use.
[[nodiscard]] std::string to_prometheus(const Status& status, const ProcessMetrics& process,
                                        const http::Figures& http = {});

}  // namespace herd::node
