#include "node/observe/metric_families.hpp"

#include <chrono>
#include <limits>
#include <utility>

namespace herd::node {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

MetricFamily gauges(Description description) {
  return {std::move(description.name), std::move(description.help), MetricType::Gauge, {}};
}

MetricFamily counters(Description description) {
  return {std::move(description.name), std::move(description.help), MetricType::Counter, {}};
}

void add_gauge(MetricFamily& family, Labels labels, double value) {
  ClientMetric metric;
  metric.label = std::move(labels);
  metric.gauge.value = value;
  family.metric.push_back(std::move(metric));
}

void add_counter(MetricFamily& family, Labels labels, double value) {
  ClientMetric metric;
  metric.label = std::move(labels);
  metric.counter.value = value;
  family.metric.push_back(std::move(metric));
}

MetricFamily gauge(Description description, double value, Labels labels) {
  auto family = gauges(std::move(description));
  add_gauge(family, std::move(labels), value);
  return family;
}

MetricFamily counter(Description description, double value) {
  auto family = counters(std::move(description));
  add_counter(family, {}, value);
  return family;
}

MetricFamily histogram(Description description, const protocol::DurationHistogram& durations) {
  using protocol::DurationHistogram;
  ClientMetric metric;
  std::uint64_t so_far = 0;
  for (std::size_t i = 0; i < durations.buckets().size(); ++i) {
    so_far += durations.buckets()[i];
    const double bound = i < DurationHistogram::kBounds.size()
                             ? std::chrono::duration<double>(DurationHistogram::kBounds[i]).count()
                             : std::numeric_limits<double>::infinity();
    metric.histogram.bucket.push_back({so_far, bound});
  }
  metric.histogram.sample_count = so_far;
  metric.histogram.sample_sum = durations.sum().count();
  return {std::move(description.name), std::move(description.help), MetricType::Histogram, {std::move(metric)}};
}

}  // namespace herd::node
