// The TLS context of the clients' port, as the configuration wants it. Called at the start and at a reload, on the
// loop's thread; reads two small files.
#pragma once

#include <memory>

#include "node/config/config.hpp"
#include "node/tls/tls_context.hpp"
#include "protocol/clock.hpp"
#include "protocol/result.hpp"

namespace herd::node {

using ClientTls = std::shared_ptr<const TlsContext>;

// Returns nullptr if `tls` is off. Logs the certificate's end, and a warning if it is not valid at the time `wall`.
[[nodiscard]] protocol::Result<ClientTls> start_client_tls(const ClientsConfig& config, protocol::Nanoseconds wall);

// The same at a reload, where a certificate that is not valid is an Error: the previous one may still be.
[[nodiscard]] protocol::Result<ClientTls> reload_client_tls(const ClientsConfig& config, protocol::Nanoseconds wall);

}  // namespace herd::node
