// Writes the fields of events, which are flat JSON objects. Appends to the caller's buffer, so that a busy node
// allocates no memory per event, as nlohmann::json would (node/base/json_text.hpp). Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "protocol/clock.hpp"

namespace herd::node {

using FieldValue = std::variant<bool, std::int64_t, std::uint64_t, double, std::string_view>;

// A name and a value. Both borrow their text until the field is written. A name is ASCII without quotes.
struct Field {
  std::string_view name;
  FieldValue value;
};

// Appends `"name":value`. Bytes that are not UTF-8 become U+FFFD, and control characters of terminals are escaped. A
// number that JSON cannot represent (infinity, NaN) becomes null.
void append_field(std::string& out, const Field& field);

// Returns the time in UTC in the form of RFC 3339 with microseconds: 2026-11-23T14:03:56.123456Z
[[nodiscard]] std::string utc_text(protocol::Nanoseconds wall);

}  // namespace herd::node
