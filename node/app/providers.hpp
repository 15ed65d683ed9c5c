// Constructs the places providers that the configuration names. Called on the places worker's thread, which owns them.
#pragma once

#include <stop_token>

#include "node/config/config.hpp"
#include "node/places/http_fetcher.hpp"
#include "node/places/provider.hpp"

namespace herd::node::places {

// Returns the providers in the order of `config.providers`, which must be checked already. A provider that cannot be
// made (a damaged table) is logged and left out; the others still answer. Loading the embedded table takes some tenths
// of a second; it ends early, without this provider, when a stop is requested. Reads the environment and the key file.
// `http` must outlive the providers.
[[nodiscard]] Providers make_providers(const PlacesConfig& config, HttpFetcher& http, const std::stop_token& stop = {});

}  // namespace herd::node::places
