// Makes the families of metrics that the serializer of prometheus-cpp writes. Pure; any thread.
#pragma once

#include <prometheus/metric_family.h>

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/duration_histogram.hpp"

namespace herd::node {

using Families = std::vector<prometheus::MetricFamily>;
using Labels = std::vector<prometheus::ClientMetric::Label>;

// A metric's name and help text.
struct Description {
  std::string name;
  std::string help;
};

// A metric is a double, which is exact up to 2^53.
[[nodiscard]] inline double number(std::uint64_t value) {
  return static_cast<double>(value);
}

// Families without a sample yet.
[[nodiscard]] prometheus::MetricFamily gauges(Description description);
[[nodiscard]] prometheus::MetricFamily counters(Description description);

void add_gauge(prometheus::MetricFamily& family, Labels labels, double value);
void add_counter(prometheus::MetricFamily& family, Labels labels, double value);

// Families with one sample.
[[nodiscard]] prometheus::MetricFamily gauge(Description description, double value, Labels labels = {});
[[nodiscard]] prometheus::MetricFamily counter(Description description, double value);
[[nodiscard]] prometheus::MetricFamily histogram(Description description, const protocol::DurationHistogram& durations);

}  // namespace herd::node
