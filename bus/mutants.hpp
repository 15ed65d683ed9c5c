// Deliberate faults, for the simulator to prove that it would notice them. In a build without HERD_MUTANTS, as every
// build is that runs, `mutated` is a constant false and the compiler leaves nothing of it.
#pragma once

#include <cstdint>

namespace herd::bus {

enum class Mutant : std::uint8_t {
  None,
  NoGapCheck,            // a batch that leaves a gap moves the cursor all the same
  NoIncarnationCheck,    // messages of and for another life are used
  NoHelloRepeat,         // HELLO is said once
  EchoSkipForgetsLife,   // what came by a link is withheld from its peer for ever, whatever life it is in
  CursorMovesBySending,  // a send counts as acknowledged
  OldAttemptRewinds,     // a WELCOME to an older attempt is taken
  OldFeedKeepsCursor,    // a new feed id is read on from the old one's cursor
  NoTimeout,             // a batch that is not acknowledged is waited for
};

#ifdef HERD_MUTANTS
inline Mutant active_mutant = Mutant::None;
[[nodiscard]] inline bool mutated(Mutant mutant) {
  return active_mutant == mutant;
}
#else
[[nodiscard]] constexpr bool mutated(Mutant) {
  return false;
}
#endif

}  // namespace herd::bus
