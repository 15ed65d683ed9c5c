// Parses the commands that ask where clients are, and those that watch them: protocol/query.hpp has their values,
// docs/PROTOCOL.md their grammar. Called by parse_command() for every line that is none of the other commands. Pure;
// any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "protocol/command.hpp"

namespace herd::protocol {

// The fields of a line after the command's name.
using Operands = std::span<const std::string_view>;

// WATCH <tag> NEAR <centre> <km>, and six options.
inline constexpr std::size_t kMaxQueryOperands = 4 + 6;

// For WHY.
inline constexpr std::string_view kWrongNumberOfOperands = "wrong number of operands: HELP shows the grammar";

// Returns a RefusedQuery for wrong operands, of any number; and nullopt if no command that asks or watches has this
// name. Operands beyond kMaxQueryOperands + 1 need not be passed: the line is refused without them.
[[nodiscard]] std::optional<Command> parse_query(std::string_view name, Operands operands);

}  // namespace herd::protocol
