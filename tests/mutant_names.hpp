// The names of the mutants (bus/store/mutants.hpp, node/watches/mutants.hpp) on command lines: NoRunGap is
// `no-run-gap`.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "bus/store/mutants.hpp"
#include "node/watches/mutants.hpp"

namespace herd {

inline std::string command_line_name(std::string_view enumerator) {
  std::string name;
  for (const char letter : enumerator) {
    const bool begins_word = letter >= 'A' && letter <= 'Z';
    if (begins_word && !name.empty()) name += '-';
    name += begins_word ? static_cast<char>(letter - 'A' + 'a') : letter;
  }
  return name;
}

namespace bus {

inline const std::map<std::string, Mutant> kMutantNames{
    {"none", Mutant::None},
#define HERD_MUTANT(name) {command_line_name(#name), Mutant::name},
#include "bus/store/mutant_list.hpp"
#undef HERD_MUTANT
};

}  // namespace bus

namespace node::watches {

inline const std::map<std::string, Mutant> kMutantNames{
    {"none", Mutant::None},
#define HERD_MUTANT(name) {command_line_name(#name), Mutant::name},
#include "node/watches/mutant_list.hpp"
#undef HERD_MUTANT
};

}  // namespace node::watches

}  // namespace herd
