// From the names in the configuration to providers that work. Called on the worker's thread, since that owns them.
#pragma once

#include <string>
#include <vector>

#include "node/places/provider.hpp"

namespace herd::node::places {

// In the order of `names`, which the configuration has checked. One that cannot be made (a damaged table) is logged and
// left out: the others still answer. Loading the embedded table takes some tenths of a second.
[[nodiscard]] Providers make_providers(const std::vector<std::string>& names);

}  // namespace herd::node::places
