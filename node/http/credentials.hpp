// The token in a request. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "node/http/request.hpp"

namespace herd::node::http {

// The token of `Authorization: Bearer TOKEN` (RFC 6750); the scheme in any case. nullopt without such a line.
[[nodiscard]] std::optional<std::string> bearer_token(const Request& request);

// The token of a phone: that of bearer_token(), or the password of `Authorization: Basic` (RFC 7617), or, without an
// Authorization line, the parameter `token` of the target, because some apps can set nothing but a URL. nullopt if
// there is none.
[[nodiscard]] std::optional<std::string> phone_token(const Request& request);

// The bytes of a text in base64 (RFC 4648, 4), with or without padding; nullopt if it is malformed.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

}  // namespace herd::node::http
