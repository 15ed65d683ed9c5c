// What herds of different sizes cost when nothing fails: the table of docs/SCALING.md.
#pragma once

#include <cstddef>
#include <cstdint>

namespace herd::sim {

// Prints the table, for those of its herds that have at most `most` nodes. Equal seeds print equal tables, on any
// machine. False if the nodes of a herd did not come to know the same.
[[nodiscard]] bool print_scale(std::uint64_t seed, std::size_t most);

}  // namespace herd::sim
