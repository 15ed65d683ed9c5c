#include "node/places/figures.hpp"

#include <algorithm>

#include "protocol/unreachable.hpp"

namespace herd::node::places {

std::string_view to_text(ProviderState state) {
  switch (state) {
    case ProviderState::Ready:
      return "ready";
    case ProviderState::Resting:
      return "resting";
    case ProviderState::Trying:
      return "trying";
    case ProviderState::NoKey:
      return "no_key";
  }
  protocol::unreachable();
}

void Figures::count_latency(protocol::Nanoseconds took) {
  const auto bound = std::lower_bound(kLatencyBounds.begin(), kLatencyBounds.end(), took);
  ++latencies[static_cast<std::size_t>(bound - kLatencyBounds.begin())];
  latency_us += static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(took).count());
}

}  // namespace herd::node::places
