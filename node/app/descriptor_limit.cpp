#include "node/app/descriptor_limit.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <limits>
#include <string>

#include "node/base/limits.hpp"
#include "node/observe/monitor_limits.hpp"

namespace herd::node {

std::size_t raise_descriptor_limit() {
  constexpr std::size_t kUnknown = std::numeric_limits<std::size_t>::max();
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return kUnknown;
  const rlimit raised{limit.rlim_max, limit.rlim_max};
  const rlim_t reached = setrlimit(RLIMIT_NOFILE, &raised) == 0 ? limit.rlim_max : limit.rlim_cur;
  return reached == RLIM_INFINITY ? kUnknown : static_cast<std::size_t>(reached);
}

protocol::Result<void> check_descriptors(const DescriptorBudget& budget) {
  const std::size_t fewest = kFewestDescriptors + budget.peers * kReservedDescriptorsPerPeer;
  if (budget.descriptors >= fewest) return {};
  return protocol::fail("the limit of open files is " + std::to_string(budget.descriptors) + ", and a node with " +
                        std::to_string(budget.peers) + " peers needs at least " + std::to_string(fewest) +
                        ", with many clients 1024: raise the hard limit (ulimit -Hn)");
}

std::size_t viewers_within(const DescriptorBudget& budget) {
  return std::clamp(budget.descriptors / kViewersPart, kFewestViewers, kMaxViewers);
}

std::size_t connections_within(const DescriptorBudget& budget) {
  const std::size_t reserved = kReservedDescriptors + budget.peers * kReservedDescriptorsPerPeer +
                               http_limits(budget).connections + viewers_within(budget);
  const std::size_t rest = budget.descriptors > reserved ? budget.descriptors - reserved : 0;
  return std::max(rest, budget.descriptors / 4);
}

http::Limits http_limits(const DescriptorBudget& budget) {
  http::Limits limits;
  limits.connections = std::clamp(budget.descriptors / kHttpShare, kFewestHttpConnections, http::kMaxConnections);
  const std::size_t spare = std::max<std::size_t>(1, limits.connections / http::kSpareShare);
  limits.connections_an_address = limits.streams = limits.connections - spare;
  return limits;
}

}  // namespace herd::node
