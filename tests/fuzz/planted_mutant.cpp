// Activates the mutant that $HERD_MUTANT names in a fuzz target that is built with mutants. The fuzzer must find it;
// otherwise it would not find such a fault in production code either.
#include <cstdio>
#include <cstdlib>

#include "tests/mutant_names.hpp"

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  const char* name = std::getenv("HERD_MUTANT");
  const auto mutant = herd::bus::kMutantNames.find(name == nullptr ? "" : name);
  if (mutant == herd::bus::kMutantNames.end()) {
    std::fputs("set HERD_MUTANT to the name of a mutant (bus/store/mutant_list.hpp)\n", stderr);
    std::exit(2);
  }
  herd::bus::active_mutant = mutant->second;
  return 0;
}
