// From the names in the configuration to providers that work. Called on the worker's thread, since that owns them.
#pragma once

#include "node/config/config.hpp"
#include "node/places/provider.hpp"

namespace herd::node::places {

// In the order of `config.providers`; the configuration has been checked. One that cannot be made (a damaged table) is
// logged and left out: the others still answer. Loading the embedded table takes some tenths of a second. Reads the
// environment and the key's file.
[[nodiscard]] Providers make_providers(const PlacesConfig& config);

}  // namespace herd::node::places
