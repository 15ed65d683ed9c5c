// Runs the tests of a link and a replica with a fault planted in them: `bus_mutant_tests MUTANT [Catch2's arguments]`.
// At least one must fail, or the tests would not notice the fault in the code that runs either.
#define CATCH_CONFIG_RUNNER
#include <cstdio>
#include <map>
#include <string>

#include "bus/mutants.hpp"
#include "tests/catch.hpp"

using herd::bus::Mutant;

int main(int argc, char** argv) {
  static const std::map<std::string, Mutant> kMutants{
      {"none", Mutant::None},
      {"no-gap-check", Mutant::NoGapCheck},
      {"no-incarnation-check", Mutant::NoIncarnationCheck},
      {"no-hello-repeat", Mutant::NoHelloRepeat},
      {"echo-skip-forgets-life", Mutant::EchoSkipForgetsLife},
      {"cursor-moves-by-sending", Mutant::CursorMovesBySending},
      {"old-attempt-rewinds", Mutant::OldAttemptRewinds},
      {"old-feed-keeps-cursor", Mutant::OldFeedKeepsCursor},
      {"no-timeout", Mutant::NoTimeout},
  };
  const auto mutant = argc > 1 ? kMutants.find(argv[1]) : kMutants.end();
  if (mutant == kMutants.end()) {
    std::fputs("usage: bus_mutant_tests MUTANT [ARGUMENTS OF CATCH2]\n", stderr);
    return 2;
  }
  herd::bus::active_mutant = mutant->second;
  return Catch::Session().run(argc - 1, argv + 1);
}
