// The provider "google": Places API (New), Nearby Search. Which fields are asked for, what they cost and what they
// become stands in google_new.cpp and docs/decisions. Pure: any thread.
#pragma once

#include "node/places/web_api.hpp"

namespace herd::node::places {

// The fields asked for, as X-Goog-FieldMask says them: all of the cheapest tier of this search.
[[nodiscard]] std::string_view google_field_mask();

[[nodiscard]] WebApi google_new();

}  // namespace herd::node::places
