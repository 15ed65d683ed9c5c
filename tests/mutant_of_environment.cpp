// Activates the mutant that $HERD_MUTANT names (bus/store/mutants.hpp, node/watches/mutants.hpp) before main() begins.
// A program with mutants is linked with this file if it has no command line of its own for them: tests, random
// histories and fuzzers, which must find the mutant. Otherwise they would not find such a fault in production code
// either.
#include <cstdio>
#include <cstdlib>

#include "tests/mutant_names.hpp"

namespace {

// Whether one of the names is `name`, which becomes active then.
template <typename Names, typename Mutant>
bool activate(const Names& names, const char* name, Mutant& active) {
  const auto mutant = names.find(name);
  if (mutant == names.end()) return false;
  active = mutant->second;
  return true;
}

bool activate_mutant_of_environment() {
  const char* const set = std::getenv("HERD_MUTANT");
  const char* const name = set == nullptr ? "" : set;
  if (activate(herd::bus::kMutantNames, name, herd::bus::active_mutant)) return true;
  if (activate(herd::node::watches::kMutantNames, name, herd::node::watches::active_mutant)) return true;
  std::fputs("set HERD_MUTANT to the name of a mutant (mutant_list.hpp in bus/store, node/watches), or to none\n",
             stderr);
  std::exit(2);
}

// The names were initialised before, because they are defined before this constant.
[[maybe_unused]] const bool kIsActivated = activate_mutant_of_environment();

}  // namespace
