#include "node/descriptor_limit.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <limits>

#include "node/limits.hpp"

namespace herd::node {

std::size_t raise_descriptor_limit() {
  constexpr std::size_t kUnknown = std::numeric_limits<std::size_t>::max();
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return kUnknown;
  const rlimit raised{limit.rlim_max, limit.rlim_max};
  const rlim_t reached = setrlimit(RLIMIT_NOFILE, &raised) == 0 ? limit.rlim_max : limit.rlim_cur;
  return reached == RLIM_INFINITY ? kUnknown : static_cast<std::size_t>(reached);
}

std::size_t connections_within(const DescriptorBudget& budget) {
  const std::size_t kept = kKeptDescriptors + budget.peers * kKeptDescriptorsAPeer;
  const std::size_t beside = budget.descriptors > kept ? budget.descriptors - kept : 0;
  return std::max(beside, budget.descriptors / 4);
}

}  // namespace herd::node
