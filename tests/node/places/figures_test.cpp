#include "node/places/figures.hpp"

#include "tests/catch.hpp"

using namespace herd::node::places;
using namespace std::chrono_literals;

TEST_CASE("a duration is counted in the first bucket with a bound that it does not exceed") {
  Figures figures;
  figures.count_latency(0ns);
  figures.count_latency(25ms);
  figures.count_latency(25ms + 1ns);
  figures.count_latency(10s);
  figures.count_latency(11s);
  CHECK(figures.latencies.front() == 2);
  CHECK(figures.latencies[1] == 1);
  CHECK(figures.latencies[kLatencyBounds.size() - 1] == 1);
  CHECK(figures.latencies.back() == 1);
  CHECK(figures.latency_us == 21'050'000);
}

TEST_CASE("every state of a provider has a name") {
  CHECK(to_text(ProviderState::Ready) == "ready");
  CHECK(to_text(ProviderState::Resting) == "resting");
  CHECK(to_text(ProviderState::Trying) == "trying");
  CHECK(to_text(ProviderState::NoKey) == "no_key");
}
