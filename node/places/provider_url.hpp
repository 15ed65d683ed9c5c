// Checks the URL of a places service in the configuration. It must be https, or http with a loopback address, where
// tests run their own service: every request contains the key, which must not be sent unencrypted. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/result.hpp"

namespace herd::node::places {

struct ProviderUrl {
  std::string text;  // as configured
  bool encrypted = true;
  bool loopback = false;  // the host is a loopback address
};

// Accepts "https://HOST[:PORT]/PATH" and "http://LOOPBACK[:PORT]/PATH", without user, query and fragment. The error
// continues a sentence that begins with the configuration key: "is ..., write ...".
[[nodiscard]] protocol::Result<ProviderUrl> parse_provider_url(std::string_view text);

}  // namespace herd::node::places
