// herd-sim: runs many seeds, or replays one. Exit status 0: no fault was found; 1: one was found, printed with its
// seed; 2: wrong usage.
#include <algorithm>
#include <cstdio>

#include "bus/store/mutants.hpp"
#include "tests/sim/options.hpp"
#include "tests/sim/scale.hpp"
#include "tests/sim/world.hpp"

namespace {

using herd::bus::Mutant;
using herd::sim::Outcome;
using herd::sim::Scenario;
using herd::sim::World;

struct Totals {
  std::uint64_t stored = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t messages = 0;
  std::uint64_t trace = 0;
  std::uint64_t rounds = 0;
  std::uint64_t pulled = 0;
  std::uint64_t repaired = 0;
  std::uint64_t restored = 0;
  std::uint64_t damaged = 0;
  std::uint64_t renewed = 0;
  std::uint64_t reloaded = 0;
  herd::protocol::Nanoseconds slowest{};
};

bool run_seed(std::uint64_t seed, bool verbose, Totals& totals) {
  const Scenario scenario = Scenario::drawn(seed);
  const Outcome outcome = World(scenario).run();
  totals.stored += outcome.stored;
  totals.acknowledged += outcome.acknowledged;
  totals.messages += outcome.messages;
  totals.rounds += outcome.rounds;
  totals.pulled += outcome.pulled;
  totals.repaired += outcome.repaired;
  totals.restored += outcome.restored;
  totals.damaged += outcome.damaged;
  totals.renewed += outcome.renewed;
  totals.reloaded += outcome.reloaded;
  totals.trace = totals.trace * 31 + outcome.trace;
  totals.slowest = std::max(totals.slowest, outcome.converged_after);
  if (verbose || !outcome.fault.empty()) {
    std::printf(
        "seed %llu: %s\n  %s\n  trace %016llx, %llu messages, %llu bytes, %llu records repaired, converged "
        "%.0f ms after the faults ended\n",
        static_cast<unsigned long long>(seed), outcome.fault.empty() ? "no fault" : outcome.fault.c_str(),
        scenario.describe().c_str(), static_cast<unsigned long long>(outcome.trace),
        static_cast<unsigned long long>(outcome.messages), static_cast<unsigned long long>(outcome.bytes),
        static_cast<unsigned long long>(outcome.repaired), static_cast<double>(outcome.converged_after.count()) * 1e-6);
  }
  return outcome.fault.empty();
}

}  // namespace

int main(int argc, char** argv) {
  const auto [options, status] = herd::sim::read_command_line(argc, argv);
  if (!options) return status;
#ifdef HERD_MUTANTS
  herd::bus::active_mutant = options->mutant;
#else
  if (options->mutant != Mutant::None) {
    std::fputs("this build has no mutants: run herd-sim-mutants instead\n", stderr);
    return 2;
  }
#endif
  const std::uint64_t first = options->first;
  if (options->scale) return herd::sim::print_scale(first, options->most) ? 0 : 1;
  Totals totals;
  if (options->one_seed) return run_seed(first, true, totals) ? 0 : 1;
  const auto number = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
  for (std::uint64_t done = 0; done < options->count; ++done) {
    if (!run_seed(first + done, false, totals)) return 1;
    if ((done + 1) % 500 == 0) std::fprintf(stderr, "%llu seeds\n", number(done + 1));
  }
  std::printf(
      "%llu seeds without a fault: %llu updates stored, %llu replies sent, %llu messages, %llu reconciliation rounds, "
      "%llu buckets pulled, %llu records repaired, %llu disks restored, %llu journals damaged, %llu feeds renewed, "
      "%llu reloads, slowest convergence %.0f ms, trace %016llx\n",
      number(options->count), number(totals.stored), number(totals.acknowledged), number(totals.messages),
      number(totals.rounds), number(totals.pulled), number(totals.repaired), number(totals.restored),
      number(totals.damaged), number(totals.renewed), number(totals.reloaded),
      static_cast<double>(totals.slowest.count()) * 1e-6, number(totals.trace));
  return 0;
}
