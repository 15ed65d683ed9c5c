// The command line of herd-sim. Its library takes long to compile, and main.cpp is compiled twice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "bus/store/mutants.hpp"

namespace herd::sim {

struct Options {
  std::uint64_t first = 0;  // the first seed
  std::uint64_t count = 2000;
  bool one_seed = false;        // only `first`, with its scenario and result
  bool scale = false;           // print the cost of updates in herds of many sizes instead
  std::size_t most = SIZE_MAX;  // nodes of the largest one
  bus::Mutant mutant = bus::Mutant::None;
};

struct CommandLine {
  std::optional<Options> options;  // nullopt: the help or a mistake was printed, and the process ends ...
  int status = 0;                  // ... with this exit status, 0 or 2
};

CommandLine read_command_line(int argc, char** argv);

}  // namespace herd::sim
