#include "node/clients/command_list.hpp"

#include <fmt/format.h>

#include <iterator>

namespace herd::node {

std::string commands_of(const Access& access) {
  std::string names;
  for (const CommandHelp& command : kCommandList) {
    if (!command.works(access)) continue;
    if (!names.empty()) names += ',';
    names += command.name;
  }
  return names;
}

bool append_help(std::string& out, std::string_view name, const Access& access) {
  std::size_t count = 0;
  for (const CommandHelp& command : kCommandList) {
    if (!command.works(access) || (!name.empty() && name != command.name)) continue;
    out.append(command.name).append(command.text).append("\n");
    ++count;
  }
  if (count > 0) fmt::format_to(std::back_inserter(out), "END {}\n", count);
  return count > 0;
}

}  // namespace herd::node
