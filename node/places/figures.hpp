// What a provider has done so far, for metrics and status. Plain values: the worker's thread counts and sends copies to
// the loop (messages.hpp).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "node/places/document.hpp"
#include "protocol/clock.hpp"

namespace herd::node::places {

enum class ProviderState : std::uint8_t {
  Ready,    // it is asked
  Resting,  // it failed again and again, and is not asked for a while
  Trying,   // after a rest, one request tries whether it is back
  NoKey,    // it has no key, and is passed over
};
inline constexpr std::size_t kProviderStates = 4;

[[nodiscard]] std::string_view to_text(ProviderState state);  // "ready", "resting", "trying", "no_key"

// Upper bounds of the buckets of request times; one more bucket has no bound.
inline constexpr std::array<std::chrono::milliseconds, 9> kLatencyBounds{
    {std::chrono::milliseconds(25), std::chrono::milliseconds(50), std::chrono::milliseconds(100),
     std::chrono::milliseconds(250), std::chrono::milliseconds(500), std::chrono::milliseconds(1'000),
     std::chrono::milliseconds(2'500), std::chrono::milliseconds(5'000), std::chrono::milliseconds(10'000)}};

// Rising only, but for the state and the size of the cache.
struct Figures {
  std::string provider;
  ProviderState state = ProviderState::Ready;
  std::string trouble;                              // the latest failure; for NoKey what to do. Never holds the key
  std::array<std::uint64_t, kStatuses> requests{};  // that were ended, by Status; a lookup each for "embedded"
  std::array<std::uint64_t, kLatencyBounds.size() + 1> latencies{};  // of requests over the network
  std::uint64_t latency_us = 0;                                      // the sum of all
  std::uint64_t hits = 0;                                            // lookups answered from the cache
  std::uint64_t misses = 0;                                          // lookups for which a request was sent
  std::uint64_t shared = 0;                                          // lookups that joined a request under way
  std::uint64_t stale = 0;   // failed lookups that had an old answer to fall back on
  std::uint64_t cached = 0;  // answers in the cache
  std::uint64_t cached_bytes = 0;

  void count_request(Status status) { ++requests[static_cast<std::size_t>(status)]; }
  void count_latency(protocol::Nanoseconds took);
  bool operator==(const Figures&) const = default;
};

}  // namespace herd::node::places
