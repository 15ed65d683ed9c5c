// Runs the tests of a link and a replica with a fault planted in them: `bus_mutant_tests MUTANT [Catch2's arguments]`.
// At least one must fail, or the tests would not notice the fault in the code that runs either.
#define CATCH_CONFIG_RUNNER
#include <cstdio>
#include "tests/catch.hpp"
#include "tests/mutant_names.hpp"

using herd::bus::kMutantNames;

int main(int argc, char** argv) {
  const auto mutant = argc > 1 ? kMutantNames.find(argv[1]) : kMutantNames.end();
  if (mutant == kMutantNames.end()) {
    std::fputs("usage: bus_mutant_tests MUTANT [ARGUMENTS OF CATCH2]\n", stderr);
    return 2;
  }
  herd::bus::active_mutant = mutant->second;
  return Catch::Session().run(argc - 1, argv + 1);
}
