// The file of the tokens of clients, `tokens` of [clients]. `scripts/herd token` writes it; docs/SECURITY.md explains
// it. At most 1 MiB, mode 0600, of the user of the node.
//
//   [[token]]
//   name = "dashboard"                  # 1 to 63 letters, digits, _ or -
//   sha256 = "…"                        # of the token's text, 64 lower-case hexadecimal digits
//   tell = ["truck-*"]                  # ids that IAMAT may name; [] for none
//   see = ["*"]                         # ids that answers may name
//   level = "all"                       # "events", "latest" or "all"
//   expires = "2027-01-31T00:00:00Z"    # not valid from then on; without this key it does not expire
//
// The thread that starts the node or reloads reads it. No error contains a token or its hash.
#pragma once

#include <memory>

#include "node/config/config.hpp"
#include "node/config/token_table.hpp"
#include "protocol/result.hpp"

namespace herd::node {

// Reads and checks the file that the configuration names; returns nullptr if nothing needs tokens. The Error's message
// has one line for each mistake: `FILE:LINE: what is wrong: what to do`.
[[nodiscard]] protocol::Result<std::shared_ptr<const TokenTable>> load_tokens(const Config& config);

}  // namespace herd::node
