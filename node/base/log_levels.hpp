// The names of the log levels in the configuration, on the command line and in log lines.
#pragma once

#include <array>
#include <string_view>

namespace herd::node {

// From the least severe to the most severe. A level passes its own lines and those of more severe levels.
inline constexpr std::array<std::string_view, 5> kLogLevels{"trace", "debug", "info", "warning", "error"};

}  // namespace herd::node
