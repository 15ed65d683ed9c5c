// Random numbers for identities and seeds that no client or peer can guess. Any thread.
#pragma once

#include <cstdint>

namespace herd::node {

// A random number above 0 from the operating system: an incarnation, a feed id, the seed of a hash or of a jitter.
[[nodiscard]] std::uint64_t random_id();

}  // namespace herd::node
