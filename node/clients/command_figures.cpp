#include "node/clients/command_figures.hpp"

#include <algorithm>
#include <type_traits>
#include <variant>

namespace herd::node {
namespace {

using protocol::Command;

template <std::size_t kIndex, typename Type>
constexpr bool kIs = std::is_same_v<std::variant_alternative_t<kIndex, Command>, Type>;
static_assert(kIs<0, protocol::BlankLine> && kIs<1, protocol::Iamat> && kIs<kCommandList.size(), protocol::Quit>,
              "the commands have the order of kCommandList");

// The index in kCommandList of the command that the line begins with; its size if it is none.
std::size_t command_of(std::string_view line) {
  constexpr std::string_view kBlanks = " \t\v\f\r";
  line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
  const std::string_view word = line.substr(0, line.find_first_of(kBlanks));
  const auto* found = std::find_if(kCommandList.begin(), kCommandList.end(),
                                   [&](const CommandHelp& command) { return command.name == word; });
  return static_cast<std::size_t>(found - kCommandList.begin());
}

}  // namespace

void CommandCounters::count_other(const Command& command, std::string_view line, CommandResult result) {
  if (std::holds_alternative<protocol::BlankLine>(command) || std::holds_alternative<protocol::HttpLine>(command)) {
    return;
  }
  const std::size_t index = command_of(line);
  if (result == CommandResult::Unknown || index == kCommandList.size()) {
    ++unknown_;
  } else {
    ++counts_[index][static_cast<std::size_t>(result)];
  }
}

void CommandTimes::end_iteration(protocol::Nanoseconds now) {
  for (std::size_t i = 0; i < used_; ++i) histogram_.add(now - answered_[i].since, answered_[i].count);
  used_ = 0;
}

}  // namespace herd::node
