// herd-sim: runs many seeds, or replays one. Exit status 0: no fault was found; 1: one was found, printed with its
// seed; 2: wrong usage.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "tests/mutant_names.hpp"
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
  CLI::App app{"Runs real replicas in virtual time, with faults of network and disks that a seed decides"};
  std::uint64_t first = 0;
  std::uint64_t count = 2000;
  Mutant mutant = Mutant::None;
  auto* one = app.add_option("--seed", first, "Run only this seed, and print its scenario and result");
  app.add_option("--first", first, "The first seed")->excludes(one)->capture_default_str();
  app.add_option("--seeds", count, "The number of seeds")->excludes(one)->capture_default_str();
  bool scale = false;
  std::size_t most = SIZE_MAX;
  app.add_flag("--scale", scale,
               "Print the cost of updates in herds of 5 to 500 nodes without faults; --seed draws their links");
  app.add_option("--most", most, "With --scale: the largest number of nodes");
  app.add_option_function<std::string>(
         "--mutant", [&mutant](const std::string& name) { mutant = herd::bus::kMutantNames.at(name); },
         "Run with this mutant (bus/store/mutants.hpp), which must cause a fault")
      ->check(CLI::IsMember(herd::bus::kMutantNames).description(""))
      ->type_name("NAME");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
#ifdef HERD_MUTANTS
  herd::bus::active_mutant = mutant;
#else
  if (mutant != Mutant::None) {
    std::fputs("this build has no mutants: run herd-sim-mutants instead\n", stderr);
    return 2;
  }
#endif
  if (scale) return herd::sim::print_scale(first, most) ? 0 : 1;
  Totals totals;
  if (one->count() > 0) return run_seed(first, true, totals) ? 0 : 1;
  const auto number = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
  for (std::uint64_t done = 0; done < count; ++done) {
    if (!run_seed(first + done, false, totals)) return 1;
    if ((done + 1) % 500 == 0) std::fprintf(stderr, "%llu seeds\n", number(done + 1));
  }
  std::printf(
      "%llu seeds without a fault: %llu updates stored, %llu replies sent, %llu messages, %llu reconciliation rounds, "
      "%llu buckets pulled, %llu records repaired, %llu disks restored, %llu journals damaged, %llu feeds renewed, "
      "%llu reloads, slowest convergence %.0f ms, trace %016llx\n",
      number(count), number(totals.stored), number(totals.acknowledged), number(totals.messages), number(totals.rounds),
      number(totals.pulled), number(totals.repaired), number(totals.restored), number(totals.damaged),
      number(totals.renewed), number(totals.reloaded), static_cast<double>(totals.slowest.count()) * 1e-6,
      number(totals.trace));
  return 0;
}
