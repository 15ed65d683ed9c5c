// herd-load: loads a server, checks every reply, and prints the measurements to standard output as one line of JSON. A
// readable summary goes to standard error. Exit status: 0; 1 if a reply was wrong or missing; 2 for wrong usage.
#include <cstdio>
#include <exception>

#include "tests/bench/load/load.hpp"

namespace {

using herd::bench::Result;

struct Summary {
  double rate = 0;
  double p50 = 0;  // microseconds, as p99 and p999
  double p99 = 0;
  double p999 = 0;
  double server_us = 0;  // of processor time per reply; own_us as well
  double own_us = 0;
};

Summary summarise(const Result& result) {
  const auto replies = static_cast<double>(result.replies);
  const auto microseconds = [&](double part) { return static_cast<double>(result.latency.percentile(part)) / 1e3; };
  if (result.replies == 0) return {};
  return {replies / result.seconds,
          microseconds(0.5),
          microseconds(0.99),
          microseconds(0.999),
          result.server.seconds * 1e6 / replies,
          result.own.seconds * 1e6 / replies};
}

void print(const Result& result) {
  const Summary summary = summarise(result);
  std::fprintf(stderr,
               "%.0f replies/s, p50 %.1f us, p99 %.1f us, p99.9 %.1f us; CPU per reply: server %.3f us, own %.3f us\n",
               summary.rate, summary.p50, summary.p99, summary.p999, summary.server_us, summary.own_us);
  std::printf(
      "{\"replies\":%llu,\"checked\":%llu,\"seconds\":%.6f,\"rate\":%.1f,\"p50_us\":%.2f,\"p99_us\":%.2f,"
      "\"p999_us\":%.2f,\"server_us\":%.4f,\"own_us\":%.4f,\"delivered\":%llu,\"delivered_s\":%.6f,"
      "\"events\":%llu,\"event_bytes\":%llu,\"event_reads\":%llu}\n",
      static_cast<unsigned long long>(result.replies), static_cast<unsigned long long>(result.checked), result.seconds,
      summary.rate, summary.p50, summary.p99, summary.p999, summary.server_us, summary.own_us,
      static_cast<unsigned long long>(result.delivered), result.delivered_seconds,
      static_cast<unsigned long long>(result.events.lines), static_cast<unsigned long long>(result.events.bytes),
      static_cast<unsigned long long>(result.events.reads));
}

bool is_hop(const herd::bench::Options& options) {
  using herd::bench::Mode;
  return options.mode == Mode::kHop || options.mode == Mode::kNatsHop || options.mode == Mode::kWatchHop;
}

}  // namespace

int main(int argc, char** argv) {
  int status = 0;
  const auto options = herd::bench::parse_options(argc, argv, status);
  if (!options) return status;
  try {
    print(is_hop(*options) ? run_hop(*options) : run_load(*options));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "herd-load: %s\n", error.what());
    return 1;
  }
  return 0;
}
