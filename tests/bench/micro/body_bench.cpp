// Batches of updates, written and read. Figures are of a batch: divide by its size.
#include "protocol/body.hpp"

#include <benchmark/benchmark.h>

#include "bus/seen_set.hpp"
#include "tests/bench/micro/samples.hpp"

namespace herd::bench {
namespace {

std::string encoded(const std::vector<Report>& reports) {
  protocol::BodyEncoder encoder;
  std::uint64_t number = 1'000'000;
  for (const Report& report : reports) {
    if (!encoder.add(report.update(++number))) break;
  }
  return encoder.finish();
}

void body_encode(benchmark::State& state) {
  const auto reports = bench::reports(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(encoded(reports));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(body_encode)->Arg(1)->Arg(64)->Arg(512);

void body_decode(benchmark::State& state) {
  const std::string frame = encoded(bench::reports(static_cast<std::size_t>(state.range(0))));
  protocol::Body body;
  for (auto _ : state) benchmark::DoNotOptimize(protocol::decode_body(frame, body).has_value());
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(body_decode)->Arg(1)->Arg(64)->Arg(512);

// Each number is new once, and then comes twice more, as in a flood.
void seen_set(benchmark::State& state) {
  bus::SeenSet seen;
  std::uint64_t number = 0;
  for (auto _ : state) {
    bus::SeenSet::Window& window = seen.window("Hill", 7);
    ++number;
    if (!window.contains(number)) window.insert(number);
    benchmark::DoNotOptimize(window.contains(number));
    benchmark::DoNotOptimize(window.contains(number));
  }
}
BENCHMARK(seen_set);

}  // namespace
}  // namespace herd::bench
