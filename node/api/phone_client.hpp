// Which client a report of a phone is of. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "node/api/phone_payload.hpp"
#include "node/config/token_table.hpp"

namespace herd::node::api {

// The client for the id in a payload, by the patterns in the `tell` of the phone's token:
//
//   one pattern, a complete id    that id, whatever the payload says
//   a pattern permits the id      the id
//   one pattern, PREFIX*          PREFIX and the id
//   else                          a refusal, 403
//
// Without a token (nullptr) it is the id. A missing or malformed id is refused with 400.
[[nodiscard]] tl::expected<std::string, PhoneRefusal> client_of(std::string_view id, const Token* token);

}  // namespace herd::node::api
