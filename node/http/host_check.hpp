// The defence of a server on loopback against DNS rebinding. Pure; any thread.
//
// A page of evil.example, open in a browser on this machine, may ask http://evil.example:12440/status.json. If the name
// server of evil.example first answers with its own address and then with 127.0.0.1, the browser sends that request to
// this node, and lets the page read the answer, because the name has not changed. The browser puts the name into the
// Host line, so the server refuses names that could be another's.
#pragma once

#include <optional>
#include <string_view>

#include "node/http/response.hpp"

namespace herd::node::http {

// Whether a Host line (NAME or NAME:PORT) can only mean this machine or an IP address: an IP address cannot be
// rebound, and `localhost` and names below it are never asked of a name server (RFC 6761, 6.3).
[[nodiscard]] bool is_safe_host(std::string_view host);

// The refusal 421 of a request with another Host line; nullopt for all others. A request of HTTP/1.0 may have none: no
// browser sends such a request.
[[nodiscard]] std::optional<Response> check_host(const Request& request);

}  // namespace herd::node::http
