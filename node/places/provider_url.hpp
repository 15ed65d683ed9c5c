// The URL of a places service as the configuration may name it: https, or http to a loopback address, where tests run
// their own service. A key travels with every request, so nothing else will do. Pure: any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/result.hpp"

namespace herd::node::places {

struct ProviderUrl {
  std::string text;  // as it was written
  bool encrypted = true;
  bool loopback = false;
};

// "https://HOST[:PORT]/PATH" or "http://LOOPBACK[:PORT]/PATH", without user, query and fragment. The Error goes on
// after a key's name: "is ..., write ...".
[[nodiscard]] protocol::Result<ProviderUrl> parse_provider_url(std::string_view text);

}  // namespace herd::node::places
