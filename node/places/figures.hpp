// The state and the counters of a places provider, for metrics and status. Plain values: the worker's thread counts,
// and reports copies to the loop (worker.hpp).
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
  Ready,    // in use
  Resting,  // not used for a while, after repeated failures
  Trying,   // after a rest, one request tests it
  NoKey,    // not used, because it has no API key
};
inline constexpr std::size_t kProviderStates = 4;

[[nodiscard]] std::string_view to_text(ProviderState state);  // "ready", "resting", "trying", "no_key"

// Upper bounds, inclusive, of the buckets of request durations. One more bucket has no bound.
inline constexpr std::array<std::chrono::milliseconds, 9> kLatencyBounds{
    {std::chrono::milliseconds(25), std::chrono::milliseconds(50), std::chrono::milliseconds(100),
     std::chrono::milliseconds(250), std::chrono::milliseconds(500), std::chrono::milliseconds(1'000),
     std::chrono::milliseconds(2'500), std::chrono::milliseconds(5'000), std::chrono::milliseconds(10'000)}};

// All numbers are counters since the start, except `cached` and `cached_bytes`.
struct Figures {
  std::string provider;
  ProviderState state = ProviderState::Ready;
  std::string trouble;                              // the latest failure; for NoKey: what to do. Never contains the key
  std::array<std::uint64_t, kStatuses> requests{};  // completed, by Status; for "embedded": lookups
  std::array<std::uint64_t, kLatencyBounds.size() + 1> latencies{};  // network requests, by bucket of their duration
  std::uint64_t latency_us = 0;                                      // sum of all durations
  std::uint64_t hits = 0;                                            // lookups answered from the cache
  std::uint64_t misses = 0;                                          // lookups that sent a request
  std::uint64_t shared = 0;                                          // lookups that joined a request in progress
  std::uint64_t stale = 0;         // failed lookups with an expired answer to fall back on
  std::uint64_t cached = 0;        // answers in the cache now
  std::uint64_t cached_bytes = 0;  // their memory

  void count_request(Status status) { ++requests[static_cast<std::size_t>(status)]; }
  void count_latency(protocol::Nanoseconds took);
  bool operator==(const Figures&) const = default;
};

// The figures of each provider, in the order of the configuration.
using ProviderFigures = std::vector<Figures>;

}  // namespace herd::node::places
