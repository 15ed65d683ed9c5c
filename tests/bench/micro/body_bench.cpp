// Encoding and decoding of batches. Times are per batch: divide by its size.
#include "protocol/body.hpp"

#include <benchmark/benchmark.h>

#include <msgpack.hpp>
#include <span>
#include <string_view>

#include "bus/link/seen_set.hpp"
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

// The alternative to decode_body(): unpacks the whole body to msgpack objects, then reads these. It checks less than
// decode_body() does; docs/decisions/0011-msgpack-visitor.md compares the two.
std::size_t read_by_objects(const std::string& frame, protocol::Body& into) {
  into.updates.clear();
  const msgpack::unpack_limit limit(1024, 64, 1024, 1024, 0, 8);
  const auto handle = msgpack::unpack(frame.data(), frame.size(), nullptr, nullptr, limit);
  const msgpack::object_array& lists = handle.get().via.array;
  for (const msgpack::object& item : std::span(lists.ptr[1].via.array.ptr, lists.ptr[1].via.array.size)) {
    const std::span fields(item.via.array.ptr, item.via.array.size);
    protocol::Body::Entry entry;
    entry.origin = fields[0].as<std::size_t>();
    entry.update.id.number = fields[1].as<std::uint64_t>();
    entry.update.epoch = fields[2].as<std::uint32_t>();
    entry.update.client = fields[3].as<std::string_view>();
    entry.update.coordinates = fields[4].as<std::string_view>();
    entry.update.time_text = fields[5].as<std::string_view>();
    entry.update.difference = protocol::Nanoseconds{fields[6].as<std::int64_t>()};
    into.updates.push_back(entry);
  }
  return into.updates.size();
}

void body_decode_by_objects(benchmark::State& state) {
  const std::string frame = encoded(bench::reports(static_cast<std::size_t>(state.range(0))));
  protocol::Body body;
  for (auto _ : state) benchmark::DoNotOptimize(read_by_objects(frame, body));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(body_decode_by_objects)->Arg(1)->Arg(64)->Arg(512);

// Each number is new once, and then repeated twice, as in a herd with several links.
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
