// herd-asking: runs random histories of questions and watches, or replays one. Exit status 0: no fault was found;
// 1: one was found, printed with its seed and the end of its history; 2: wrong usage.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "tests/model/history.hpp"

namespace {

using herd::model::History;

bool run_seed(std::uint64_t seed, bool verbose, History::Totals& totals) {
  History history(seed);
  const std::string fault = history.run(totals);
  if (verbose || !fault.empty()) {
    std::printf("seed %llu: %s\n%s", static_cast<unsigned long long>(seed), fault.empty() ? "no fault" : fault.c_str(),
                history.story().c_str());
  }
  return fault.empty();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Compares answers and events in random histories with a plain model"};
  std::uint64_t first = 0;
  std::uint64_t count = 500;
  auto* one = app.add_option("--seed", first, "Run only this seed, and print the end of its history");
  app.add_option("--first", first, "The first seed")->excludes(one)->capture_default_str();
  app.add_option("--seeds", count, "The number of seeds")->excludes(one)->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  History::Totals totals;
  if (one->count() > 0) return run_seed(first, true, totals) ? 0 : 1;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    if (!run_seed(seed, false, totals)) return 1;
  }
  const auto number = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
  std::printf(
      "%llu seeds without a fault: %llu changes, %llu questions, %llu watches, %llu of them resumed, %llu lines read, "
      "%llu comparisons with the truth, %llu restarts, %llu renewed feeds\n",
      number(count), number(totals.changes), number(totals.questions), number(totals.watches), number(totals.resumed),
      number(totals.lines), number(totals.judged), number(totals.restarts), number(totals.renewals));
  return 0;
}
