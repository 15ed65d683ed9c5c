// The cursors of NEAR and WITHIN: an answer with `END <count> <cursor>` continues with `after=<cursor>`. A cursor has
// the place of the last client of the answer, so any node with the same store can continue, and a node keeps nothing.
// It also has a hash of the query's operands and options, except `max`, and a checksum: a cursor of another query, a
// cut off one or an invented one is refused. It is not secret and not signed: a text that passes the check can contain
// any place.
//
// The text is base64url (RFC 4648) of: checksum 8, hash 8, then the place, or nothing if the answer starts at the first
// client. NEAR: distance 8, id. WITHIN: chart 1, position on the curve 8, id. Integers are little-endian. Pure; any
// thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "node/area/search.hpp"
#include "protocol/parsed.hpp"
#include "protocol/query.hpp"

namespace herd::node::area {

// The hash of the operands and options except `max` and `after`, the same on every machine.
using QueryHash = std::uint64_t;
[[nodiscard]] QueryHash query_hash(const protocol::Near& near);
[[nodiscard]] QueryHash query_hash(const protocol::Within& within);

// A text of at most kMaxCursorBytes of [A-Za-z0-9_-]. `after`: the place of the last client; nullopt: the start. Its id
// has at most kMaxClientBytes.
[[nodiscard]] std::string cursor_text(QueryHash query, const std::optional<NearPlace>& after);
[[nodiscard]] std::string cursor_text(QueryHash query, const std::optional<WithinPlace>& after);

// Reads any text. Fails if it is not a cursor of this query. The id in the place has at most kMaxClientBytes, and the
// distance is not negative.
[[nodiscard]] protocol::Parsed<std::optional<NearPlace>> read_near_cursor(QueryHash query, std::string_view text);
[[nodiscard]] protocol::Parsed<std::optional<WithinPlace>> read_within_cursor(QueryHash query, std::string_view text);

}  // namespace herd::node::area
