// The provider "google-legacy": Google's older Nearby Search, for keys that still have access to it. Its answers
// already have the form of the document. They are nevertheless read field by field, so that no other content reaches
// clients. Pure; any thread.
#pragma once

#include "node/places/web_api.hpp"

namespace herd::node::places {

[[nodiscard]] WebApi google_legacy();

}  // namespace herd::node::places
