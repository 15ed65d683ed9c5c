// The provider "google-legacy": the older Nearby Search, for keys that still have it. Its answers have the document's
// shape already; they are read field by field all the same, so that nothing else gets through. Pure: any thread.
#pragma once

#include "node/places/web_api.hpp"

namespace herd::node::places {

[[nodiscard]] WebApi google_legacy();

}  // namespace herd::node::places
