// The operands and options of the commands that ask and watch, each as one text. The HTTP pages read the same texts
// from a request's target. docs/PROTOCOL.md has the grammar. A text that is refused gives a reason for people. Views in
// the results point into the text. Pure; any thread.
#pragma once

#include <string_view>

#include "protocol/clock.hpp"
#include "protocol/limits.hpp"
#include "protocol/parsed.hpp"
#include "protocol/query.hpp"

namespace herd::protocol {

static_assert(kMaxClientBytes == 255, "the reason names the bound");
inline constexpr std::string_view kClientTooLong = "client is longer than 255 bytes";

// A client's id. `text` has no blanks and no forbidden bytes; it must not be longer than kMaxClientBytes.
[[nodiscard]] Parsed<std::string_view> parse_client(std::string_view text);

// The centre of a circle: a point if the text has the form of coordinates, within the ranges or not; else a client.
[[nodiscard]] Parsed<Centre> parse_centre(std::string_view text);

// Fails if the south is above the north. Edges with the same latitude or longitude are allowed.
[[nodiscard]] Parsed<Box> make_box(Point south_west, Point north_east);

// Kilometres from 0 to kMaxQueryKm, which is checked on the text; then rounded half up to millimetres. At most nine
// digits on either side of the point.
[[nodiscard]] Parsed<Millimetres> parse_km(std::string_view text);

// The most lines about clients in an answer: one to four digits, 0 to kMaxQueryLines.
[[nodiscard]] Parsed<int> parse_max_lines(std::string_view text);

// Seconds without a sign, with at most nine digits on either side of the point.
[[nodiscard]] Parsed<Nanoseconds> parse_seconds(std::string_view text);

// Seconds from 5 to 3600: of `beat=`.
[[nodiscard]] Parsed<Nanoseconds> parse_beat(std::string_view text);

// A beginning of ids and `*`; gives the beginning, at most kMaxClientBytes. An earlier `*` is an ordinary byte.
[[nodiscard]] Parsed<std::string_view> parse_prefix(std::string_view text);

// A client's id, or a beginning of ids and `*`.
[[nodiscard]] Parsed<WatchedClients> parse_watched_clients(std::string_view text);

// 1 to kMaxCursorBytes of [A-Za-z0-9_-]. node/area/cursor_text.hpp reads what it means.
[[nodiscard]] Parsed<std::string_view> parse_cursor(std::string_view text);

// 1 to kMaxTagBytes of [A-Za-z0-9_.-].
[[nodiscard]] Parsed<std::string_view> parse_tag(std::string_view text);

// A feed id of 16 hexadecimal digits (0 to 9, a to f), a colon and a change number below 2^64, without a sign.
[[nodiscard]] Parsed<ResumeFrom> parse_resume_from(std::string_view text);

}  // namespace herd::protocol
