// How many files the process may have open, and how many of them its clients may take. Without a bound of its own, a
// node whose clients had taken every descriptor could no more accept its peers, and would be cut off from the herd for
// as long as they stay. Pure but for raise_descriptor_limit(), which is called at the start.
#pragma once

#include <cstddef>

#include "node/http/limits.hpp"
#include "protocol/result.hpp"

namespace herd::node {

// Raises the soft limit of open files (1,024 by Debian's default) to the hard one; how many there may be then.
[[nodiscard]] std::size_t raise_descriptor_limit();

struct DescriptorBudget {
  std::size_t descriptors = 0;  // that there may be
  std::size_t peers = 0;        // that the node has
};

// An Error where a node could not even start.
[[nodiscard]] protocol::Result<void> check_descriptors(const DescriptorBudget& budget);

// Connections to the monitor: few enough that clients hardly notice, with room for a screen or two in any case.
[[nodiscard]] std::size_t viewers_within(const DescriptorBudget& budget);

// Client connections that have room beside all else; a quarter of the descriptors where there are very few.
[[nodiscard]] std::size_t connections_within(const DescriptorBudget& budget);

// The bounds of the HTTP server: its defaults, with fewer connections where there are few descriptors.
[[nodiscard]] http::Limits http_limits(const DescriptorBudget& budget);

}  // namespace herd::node
