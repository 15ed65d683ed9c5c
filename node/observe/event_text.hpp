// The pieces of which events are written: a flat JSON object, grown in the caller's buffer so that a busy node
// allocates nothing for an event. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "protocol/clock.hpp"

namespace herd::node {

using FieldValue = std::variant<bool, std::int64_t, std::uint64_t, double, std::string_view>;

// A name and value; both views must live until the field is written. A name is plain ASCII without quotes.
struct Field {
  std::string_view name;
  FieldValue value;
};

// `"name":value`. Bytes that are not UTF-8 become U+FFFD, and what steers a terminal is
// escaped; a number that JSON cannot say (infinite, NaN) becomes null.
void append_field(std::string& out, const Field& field);

// The time in UTC by RFC 3339 with microseconds: 2026-11-23T14:03:56.123456Z
[[nodiscard]] std::string utc_text(protocol::Nanoseconds wall);

}  // namespace herd::node
