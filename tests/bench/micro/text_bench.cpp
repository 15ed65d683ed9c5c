// Parsing of a client's lines, and writing of the replies.
#include <benchmark/benchmark.h>

#include "bus/store/update_texts.hpp"
#include "protocol/command.hpp"
#include "protocol/reply.hpp"
#include "tests/bench/micro/samples.hpp"

namespace herd::bench {
namespace {

void parse_iamat(benchmark::State& state) {
  const Report report(1234, 567);
  const std::string line = "IAMAT " + report.client + " " + report.coordinates + " " + report.time_text;
  for (auto _ : state) benchmark::DoNotOptimize(protocol::parse_command(line));
}
BENCHMARK(parse_iamat);

void parse_whatsat(benchmark::State& state) {
  const std::string line = "WHATSAT " + client_id(1234) + " 10 20";
  for (auto _ : state) benchmark::DoNotOptimize(protocol::parse_command(line));
}
BENCHMARK(parse_whatsat);

void read_peers_texts(benchmark::State& state) {
  const Report report(1234, 567);
  protocol::Update update = report.update(1);
  for (auto _ : state) benchmark::DoNotOptimize(bus::read_texts(update));
}
BENCHMARK(read_peers_texts);

void format_at(benchmark::State& state) {
  const Report report(1234, 567);
  std::string out;
  for (auto _ : state) {
    out.clear();
    protocol::append_at(
        out, {"Hill", protocol::Nanoseconds{263'873'386}, report.client, report.coordinates, report.time_text});
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(format_at);

}  // namespace
}  // namespace herd::bench
