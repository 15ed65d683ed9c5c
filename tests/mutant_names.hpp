// The names of the mutants (bus/store/mutants.hpp) on command lines: NoRunGap is `no-run-gap`.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "bus/store/mutants.hpp"

namespace herd::bus {

inline std::string command_line_name(std::string_view enumerator) {
  std::string name;
  for (const char letter : enumerator) {
    const bool begins_word = letter >= 'A' && letter <= 'Z';
    if (begins_word && !name.empty()) name += '-';
    name += begins_word ? static_cast<char>(letter - 'A' + 'a') : letter;
  }
  return name;
}

inline const std::map<std::string, Mutant> kMutantNames{
    {"none", Mutant::None},
#define HERD_MUTANT(name) {command_line_name(#name), Mutant::name},
#include "bus/store/mutant_list.hpp"
#undef HERD_MUTANT
};

}  // namespace herd::bus
