// Mutants: deliberate faults of the watches. The unit tests and random histories (tests/model) must detect each of
// them, which proves that they would detect such a fault. Only builds with HERD_MUTANTS contain them. In all other
// builds mutated() is the constant false, and the compiler removes it. Only sources include this header, no other
// header does: so tests that were compiled without HERD_MUTANTS can be linked with both.
#pragma once

#include <cstdint>

namespace herd::node::watches {

enum class Mutant : std::uint8_t {
  None,
#define HERD_MUTANT(name) name,
#include "node/watches/mutant_list.hpp"
#undef HERD_MUTANT
};

#ifdef HERD_MUTANTS
// The fault that this process has; set once at its start.
inline Mutant active_mutant = Mutant::None;
[[nodiscard]] inline bool mutated(Mutant mutant) {
  return active_mutant == mutant;
}
#else
[[nodiscard]] constexpr bool mutated(Mutant) {
  return false;
}
#endif

}  // namespace herd::node::watches
