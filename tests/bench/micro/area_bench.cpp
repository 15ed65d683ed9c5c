// The area index: updates and searches with clients of which a half is in 200 cities and a half anywhere.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <memory>
#include <numbers>
#include <random>
#include <string>
#include <vector>

#include "node/area/area_tree.hpp"
#include "node/area/count_search.hpp"
#include "node/area/near_search.hpp"
#include "node/area/within_search.hpp"
#include "tests/bench/micro/samples.hpp"

namespace herd::bench {
namespace {

using bus::RecordIndex;
using bus::Store;
using node::area::AreaTree;
using node::area::CountSearch;
using node::area::Disc;
using node::area::NearSearch;
using node::area::WithinSearch;
using protocol::Point;

class Unlimited final : public node::area::Slice {
 public:
  bool is_over() override { return false; }
};

// Where the clients are, and how they move: each 20 m at a time, in a random direction.
class World {
 public:
  World() {
    for (Point& city : cities_) city = anywhere(60);
  }
  std::uint64_t below(std::uint64_t end) { return random_() % end; }
  Point anywhere(double max_latitude = 90) {
    std::uniform_real_distribution<double> z(-std::sin(max_latitude / kDegrees), std::sin(max_latitude / kDegrees));
    std::uniform_real_distribution<double> longitude(-180, 180);
    return point(std::asin(z(random_)) * kDegrees, longitude(random_));
  }
  Point in_city() {
    return moved(cities_[below(cities_.size())], 10'000 * normal_(random_), 10'000 * normal_(random_));
  }
  Point client() { return below(2) == 0 ? in_city() : anywhere(); }
  Point moved(Point from) { return moved(from, 20 * normal_(random_), 20 * normal_(random_)); }

 private:
  static constexpr double kDegrees = 180 / std::numbers::pi;
  static constexpr double kMetresPerDegree = 111'195;

  static Point point(double latitude, double longitude) {
    if (longitude >= 180) longitude -= 360;
    if (longitude < -180) longitude += 360;
    return {static_cast<std::int32_t>(std::clamp(latitude, -90.0, 90.0) * 1e7),
            static_cast<std::int32_t>(std::clamp(longitude, -180.0, 180.0) * 1e7)};
  }
  static Point moved(Point from, double north, double east) {
    const double latitude = from.latitude / 1e7 + north / kMetresPerDegree;
    const double narrow = std::max(0.01, std::cos(latitude / kDegrees));
    return point(latitude, from.longitude / 1e7 + east / kMetresPerDegree / narrow);
  }

  std::mt19937_64 random_{1};
  std::normal_distribution<double> normal_;
  std::array<Point, 200> cities_;
};

// A store with this number of clients. Cached, because a million take seconds.
const Store& store_of(std::size_t clients) {
  static std::unique_ptr<Store> cached;
  if (cached == nullptr || cached->size() != clients) {
    cached = std::make_unique<Store>(1);
    for (std::size_t i = 0; i < clients; ++i) {
      const Report report(i, static_cast<std::int64_t>(i) + 1);
      (void)cached->merge(report.update(i + 1), 0);
    }
  }
  return *cached;
}

struct Filled {
  World world;
  std::unique_ptr<AreaTree> tree;
  std::vector<Point> points;
};

Filled& filled(std::size_t clients) {
  static Filled cached;
  if (cached.points.size() != clients) {
    cached.tree = std::make_unique<AreaTree>(store_of(clients));
    cached.points.resize(clients);
    for (std::size_t i = 0; i < clients; ++i) {
      cached.points[i] = cached.world.client();
      cached.tree->put(static_cast<RecordIndex>(i), cached.points[i]);
    }
  }
  return cached;
}

void area_update(benchmark::State& state) {
  constexpr std::size_t kBatch = 32;
  Filled& f = filled(static_cast<std::size_t>(state.range(0)));
  std::vector<RecordIndex> records(1U << 16U);
  std::vector<std::optional<Point>> points(records.size());
  std::size_t at = records.size();
  for (auto _ : state) {
    if (at == records.size()) {
      state.PauseTiming();
      for (at = 0; at < records.size(); ++at) {
        records[at] = static_cast<RecordIndex>(f.world.below(f.points.size()));
        f.points[records[at]] = f.world.moved(f.points[records[at]]);
        points[at] = f.points[records[at]];
      }
      at = 0;
      state.ResumeTiming();
    }
    if (state.range(1) != 0 && at % kBatch == 0) {
      f.tree->prefetch(std::span(records).subspan(at, kBatch), std::span(points).subspan(at, kBatch));
    }
    f.tree->put(records[at], *points[at]);
    ++at;
  }
  state.counters["bytes_a_client"] = static_cast<double>(f.tree->memory()) / static_cast<double>(f.tree->size());
}
BENCHMARK(area_update)->ArgNames({"clients", "prefetch"})->ArgsProduct({{10'000, 1'000'000}, {0, 1}});

// Centres in cities, so that each question meets other memory.
std::vector<Point> centres(World& world) {
  std::vector<Point> made(4096);
  for (Point& centre : made) centre = world.in_city();
  return made;
}

void area_near(benchmark::State& state) {
  Filled& f = filled(static_cast<std::size_t>(state.range(0)));
  const std::vector<Point> asked = centres(f.world);
  Unlimited slice;
  std::size_t at = 0;
  for (auto _ : state) {
    NearSearch search(*f.tree, asked[at++ % asked.size()], state.range(1) * protocol::kMillimetresPerKm,
                      static_cast<std::size_t>(state.range(2)), std::nullopt, {});
    (void)search.run(slice);
    benchmark::DoNotOptimize(search.take());
  }
}
BENCHMARK(area_near)
    ->ArgNames({"clients", "km", "max"})
    ->Args({10'000, 10, 20})
    ->Args({1'000'000, 1, 20})
    ->Args({1'000'000, 10, 20})
    ->Args({1'000'000, 10, 1000})
    ->Args({1'000'000, 20'016, 1000});

void area_within(benchmark::State& state) {
  Filled& f = filled(static_cast<std::size_t>(state.range(0)));
  const std::vector<Point> asked = centres(f.world);
  Unlimited slice;
  std::size_t at = 0;
  for (auto _ : state) {
    const Point centre = asked[at++ % asked.size()];
    const protocol::Box box{{centre.latitude - 900'000, std::max(centre.longitude - 900'000, -protocol::kMaxLongitude)},
                            {centre.latitude + 900'000, std::min(centre.longitude + 900'000, protocol::kMaxLongitude)}};
    WithinSearch search(*f.tree, box, 100, std::nullopt, {});
    (void)search.run(slice);
    benchmark::DoNotOptimize(search.take());
  }
}
BENCHMARK(area_within)->ArgNames({"clients"})->Arg(10'000)->Arg(1'000'000);

void area_count(benchmark::State& state) {
  Filled& f = filled(static_cast<std::size_t>(state.range(0)));
  const std::vector<Point> asked = centres(f.world);
  Unlimited slice;
  std::size_t at = 0;
  for (auto _ : state) {
    CountSearch search(*f.tree, Disc{asked[at++ % asked.size()], state.range(1) * protocol::kMillimetresPerKm},
                       std::nullopt, {});
    (void)search.run(slice);
    benchmark::DoNotOptimize(search.count());
  }
}
BENCHMARK(area_count)
    ->ArgNames({"clients", "km"})
    ->Args({10'000, 10})
    ->Args({1'000'000, 10})
    ->Args({1'000'000, 1'000})
    ->Args({1'000'000, 10'000});

// The worst places for an index: all clients at one point, within a millimetre, in a stadium, and round a pole.
enum Crowding : std::int64_t { kPoint, kMillimetre, kStadium, kPole };

Point crowded(World& world, std::int64_t how) {
  const auto step = [&](std::uint64_t span) { return static_cast<std::int32_t>(world.below(span)); };
  switch (how) {
    case kPoint:
      return {340'689'300, -1'184'451'270};
    case kMillimetre:
      return {protocol::kMaxLatitude - 1, world.anywhere().longitude};
    case kStadium:
      return {340'689'300 + step(1000), -1'184'451'270 + step(1000)};
    default:
      return {protocol::kMaxLatitude - step(90'000), world.anywhere().longitude};
  }
}

// Fills a tree, then moves its clients and asks; reports the longest of each in microseconds. The longest contains what
// the machine takes away, so the least of several runs counts.
void area_crowd(benchmark::State& state) {
  using Clock = std::chrono::steady_clock;
  const auto clients = static_cast<std::size_t>(state.range(0));
  const Store& store = store_of(clients);
  for (auto _ : state) {
    World world;
    AreaTree tree(store);
    std::array<double, 3> longest{};
    std::array<double, 3> sum{};
    const auto measure = [&](std::size_t what, auto&& work) {
      const auto begin = Clock::now();
      work();
      const double us = std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
      longest[what] = std::max(longest[what], us);
      sum[what] += us;
    };
    const auto put = [&](std::size_t what, std::size_t record) {
      const Point point = crowded(world, state.range(1));
      measure(what, [&] { tree.put(static_cast<RecordIndex>(record), point); });
    };
    for (std::size_t i = 0; i < clients; ++i) put(0, i);
    for (std::size_t i = 0; i < clients; ++i) {
      const std::size_t record = world.below(clients);
      if (i % 2 == 0) {
        measure(1, [&] { tree.put(static_cast<RecordIndex>(record), {static_cast<std::int32_t>(i), 7}); });
      } else {
        put(1, record);
      }
    }
    constexpr std::size_t kQuestions = 1000;
    for (std::size_t i = 0; i < kQuestions; ++i) {
      const Point centre = crowded(world, state.range(1));
      measure(2, [&] {
        Unlimited slice;
        NearSearch search(tree, centre, 10 * protocol::kMillimetresPerKm, 20, std::nullopt, {});
        (void)search.run(slice);
        benchmark::DoNotOptimize(search.take());
      });
    }
    const char* const names[] = {"insert", "move", "near"};
    const std::array<std::size_t, 3> counts = {clients, clients, kQuestions};
    for (std::size_t what = 0; what < 3; ++what) {
      state.counters[std::string(names[what]) + "_max_us"] = longest[what];
      state.counters[std::string(names[what]) + "_us"] = sum[what] / static_cast<double>(counts[what]);
    }
    state.counters["bytes_a_client"] = static_cast<double>(tree.memory()) / static_cast<double>(clients);
  }
}
BENCHMARK(area_crowd)
    ->ArgNames({"clients", "place"})
    ->ArgsProduct({{10'000, 1'000'000}, {kPoint, kMillimetre, kStadium, kPole}})
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace herd::bench
