// The provider "google": Places API (New), Nearby Search. google_new.cpp and docs/decisions describe the requested
// fields, their cost and their conversion. Pure; any thread.
#pragma once

#include "node/places/web_api.hpp"

namespace herd::node::places {

// The value of X-Goog-FieldMask: the requested fields, all of the cheapest tier of this search.
[[nodiscard]] std::string_view google_field_mask();

[[nodiscard]] WebApi google_new();

}  // namespace herd::node::places
