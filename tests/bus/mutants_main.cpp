// Runs the tests of the bus with one mutant (bus/store/mutants.hpp): `bus_mutant_tests MUTANT [Catch2's arguments]`.
// At least one test must fail; otherwise the tests would not detect this fault in production code either.
#define CATCH_CONFIG_RUNNER
#include <cstdio>
#include "tests/catch.hpp"
#include "tests/mutant_names.hpp"

using herd::bus::kMutantNames;

int main(int argc, char** argv) {
  const auto mutant = argc > 1 ? kMutantNames.find(argv[1]) : kMutantNames.end();
  if (mutant == kMutantNames.end()) {
    std::fputs("usage: bus_mutant_tests MUTANT [CATCH2-ARGUMENTS]\n", stderr);
    return 2;
  }
  herd::bus::active_mutant = mutant->second;
  return Catch::Session().run(argc - 1, argv + 1);
}
