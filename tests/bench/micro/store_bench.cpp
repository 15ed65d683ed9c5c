// The store: merge() and find() with 10,000 clients, which fit the processor's caches, and with a million, which do
// not.
#include "bus/store/store.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <memory>

#include "tests/bench/micro/samples.hpp"

namespace herd::bench {
namespace {

using bus::Store;
using protocol::Update;

enum class Order { Cyclic, Random };

// A store with records of all clients; each step supersedes one record. The new texts have the lengths of the old ones.
struct Superseding {
  std::vector<Report> reports;
  std::unique_ptr<Store> store = std::make_unique<Store>(1);
  std::vector<std::uint32_t> order;
  std::size_t at = 0;
  std::int64_t round = 0;
  std::string time_text = "1700000000.000000000";

  Superseding(std::size_t clients, Order how) : reports(bench::reports(clients)), order(clients) {
    for (std::size_t i = 0; i < clients; ++i) {
      (void)store->merge(reports[i].update(i + 1), 0);
      order[i] = static_cast<std::uint32_t>(i);
    }
    if (how == Order::Random) {
      std::mt19937_64 random(1);
      for (std::uint32_t& client : order) client = static_cast<std::uint32_t>(random() % clients);
    }
  }

  // The next update, later than all before.
  Update next() {
    const Report& report = reports[order[at]];
    Update update = report.update(store->feed().tail() + 1);
    const std::int64_t time = kBaseTime + 1'000'000'000 + ++round;
    std::uint64_t digits = static_cast<std::uint64_t>(time % 1'000'000'000);
    for (std::size_t i = 20; i-- > 11; digits /= 10) time_text[i] = static_cast<char>('0' + digits % 10);
    time_text[9] = static_cast<char>('0' + time / 1'000'000'000 % 10);
    update.time_text = time_text;
    update.time = protocol::Nanoseconds{time};
    if (++at == order.size()) at = 0;
    return update;
  }
};

// Cached for each order, with the last size, because a store of a million clients takes seconds to fill.
Superseding& superseding(std::size_t clients, Order how) {
  static std::array<std::unique_ptr<Superseding>, 2> cached;
  std::unique_ptr<Superseding>& one = cached[static_cast<std::size_t>(how)];
  if (one == nullptr || one->reports.size() != clients) one = std::make_unique<Superseding>(clients, how);
  return *one;
}

void store_supersede(benchmark::State& state, Order how) {
  Superseding& s = superseding(static_cast<std::size_t>(state.range(0)), how);
  for (auto _ : state) benchmark::DoNotOptimize(s.store->merge(s.next(), 0));
}
BENCHMARK_CAPTURE(store_supersede, random, Order::Random)->Arg(10'000)->Arg(1'000'000);
BENCHMARK_CAPTURE(store_supersede, cyclic, Order::Cyclic)->Arg(10'000)->Arg(1'000'000);

void store_supersede_ahead(benchmark::State& state, Order how) {
  constexpr std::size_t kBatch = 32;
  Superseding& s = superseding(static_cast<std::size_t>(state.range(0)), how);
  std::array<herd::bus::Store::ClientKey, kBatch> clients;
  for (auto _ : state) {
    for (std::size_t i = 0; i < kBatch; ++i) clients[i].client = s.reports[s.order[(s.at + i) % s.order.size()]].client;
    s.store->look_ahead(clients);
    for (const auto& client : clients) {
      benchmark::DoNotOptimize(s.store->merge(s.next(), 0, s.store->locate(client)));
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kBatch));
}
BENCHMARK_CAPTURE(store_supersede_ahead, random, Order::Random)->Arg(10'000)->Arg(1'000'000);
BENCHMARK_CAPTURE(store_supersede_ahead, cyclic, Order::Cyclic)->Arg(10'000)->Arg(1'000'000);

// The cost of making the updates, which the benchmarks above include.
void store_supersede_without_store(benchmark::State& state) {
  Superseding& s = superseding(static_cast<std::size_t>(state.range(0)), Order::Random);
  for (auto _ : state) benchmark::DoNotOptimize(s.next());
}
BENCHMARK(store_supersede_without_store)->Arg(10'000)->Arg(1'000'000);

void store_find(benchmark::State& state) {
  const Superseding& s = superseding(static_cast<std::size_t>(state.range(0)), Order::Random);
  std::size_t at = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(s.store->find(s.reports[s.order[at]].client));
    if (++at == s.order.size()) at = 0;
  }
}
BENCHMARK(store_find)->Arg(10'000)->Arg(1'000'000);

}  // namespace
}  // namespace herd::bench
