// The cost of updates in herds of different sizes without faults: the table of docs/SCALING.md.
#pragma once

#include <cstddef>
#include <cstdint>

namespace herd::sim {

// Prints the table for herds of at most `most` nodes. Equal seeds print equal tables on every machine. Returns false if
// the stores of a herd did not become equal.
[[nodiscard]] bool print_scale(std::uint64_t seed, std::size_t most);

}  // namespace herd::sim
