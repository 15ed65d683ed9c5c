// Determines the client for which a phone reports. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "node/api/phone_payload.hpp"
#include "node/config/token_table.hpp"

namespace herd::node::api {

// Returns the client for the id in a payload, by the patterns in the `tell` of the phone's token. The first row that
// applies counts:
//
//   `tell` has one pattern, a complete id    that id; the id in the payload is not read
//   the id is missing or malformed           a refusal, 400
//   a pattern matches the id                 the id
//   `tell` has one pattern, PREFIX*          PREFIX and the id
//   else                                     a refusal, 403
//
// Without a token (nullptr) a valid id is the client. An id is valid if it has 1 to 255 bytes without blanks and
// control bytes. The result of PREFIX and the id must be valid, too; else it is refused with 403.
[[nodiscard]] tl::expected<std::string, PhoneRefusal> client_of(std::string_view id, const Token* token);

}  // namespace herd::node::api
