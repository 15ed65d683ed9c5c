// Activates the mutant that $HERD_MUTANT names (bus/store/mutants.hpp) before main() begins. A program with mutants is
// linked with this file if it has no command line of its own: tests of Catch2 and fuzzers, which must find the mutant.
// Otherwise they would not find such a fault in production code either.
#include <cstdio>
#include <cstdlib>

#include "tests/mutant_names.hpp"

namespace {

using herd::bus::kMutantNames;
using herd::bus::Mutant;

Mutant mutant_of_environment() {
  const char* name = std::getenv("HERD_MUTANT");
  const auto mutant = kMutantNames.find(name == nullptr ? "" : name);
  if (mutant == kMutantNames.end()) {
    std::fputs("set HERD_MUTANT to the name of a mutant (bus/store/mutant_list.hpp), or to none\n", stderr);
    std::exit(2);
  }
  return mutant->second;
}

// kMutantNames was initialised before, because it is defined before this constant.
[[maybe_unused]] const Mutant activated = herd::bus::active_mutant = mutant_of_environment();

}  // namespace
