// How many descriptors the process may have open, and how it divides them between clients, peers, HTTP and viewers. If
// clients could use up every descriptor, the node could not accept its peers, and would be cut off from the herd until
// clients leave. Pure except raise_descriptor_limit(). Called at the start, on the loop's thread.
#pragma once

#include <cstddef>

#include "node/http/limits.hpp"
#include "protocol/result.hpp"

namespace herd::node {

// Raises the soft limit of open files (1,024 by Debian's default) to the hard one. Returns the limit that then applies;
// the greatest size_t if it is infinite or unknown.
[[nodiscard]] std::size_t raise_descriptor_limit();

struct DescriptorBudget {
  std::size_t descriptors = 0;  // the limit of open files
  std::size_t peers = 0;        // the number of the node's peers
};

// An Error if the limit is too low for a node with that many peers to start.
[[nodiscard]] protocol::Result<void> check_descriptors(const DescriptorBudget& budget);

// How many viewers may connect to the monitor: a small part of the descriptors, from kFewestViewers to kMaxViewers.
[[nodiscard]] std::size_t viewers_within(const DescriptorBudget& budget);

// How many clients may connect: the descriptors that the other uses leave, but at least a quarter of all descriptors.
[[nodiscard]] std::size_t connections_within(const DescriptorBudget& budget);

// The limits of the HTTP server: its defaults, with fewer connections if there are few descriptors.
[[nodiscard]] http::Limits http_limits(const DescriptorBudget& budget);

}  // namespace herd::node
