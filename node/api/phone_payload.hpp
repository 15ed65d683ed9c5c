// The content of one request of a phone's app, as reports that a node can execute. The parsers (node/api/owntracks.hpp,
// node/api/osmand.hpp) fill it with the functions below. Plain values and pure functions; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "node/observe/phone_figures.hpp"
#include "protocol/clock.hpp"

namespace herd::node::api {

// The most messages in one request; a request with more is refused with 413. Most apps send one position in a request.
// A program that forwards positions may send more.
inline constexpr std::size_t kMaxPhoneMessages = 1'000;

struct PhoneReport {
  std::string id;              // of the phone, as in the payload; empty: the payload has none
  std::string coordinates;     // operand of IAMAT: degrees with 7 fraction digits (1.1 cm)
  std::string time;            // operand of IAMAT: seconds since 1970, at most 9 fraction digits
  protocol::Nanoseconds at{};  // the value of `time`, since 1970
};

// A message that contains no usable position. It is counted, and the app may forget it.
struct PhoneDropped {
  PhoneResult result = PhoneResult::Ignored;  // Ignored, NoPosition or Invalid
  std::string_view reason;                    // why, for the log and the header Herd-Dropped; a literal
};

// The refusal of a whole request. The phone can send it again with success after a setting or the payload is changed.
struct PhoneRefusal {
  int status = 400;    // HTTP status, 400 to 499
  std::string reason;  // what is wrong and what to do
};

struct PhonePayload {
  PhoneApp app = PhoneApp::OwnTracks;
  std::vector<PhoneReport> reports{};  // the oldest first
  std::vector<PhoneDropped> dropped{};
  std::optional<PhoneRefusal> refusal{};  // if set, `reports` is empty
};

// A position as read from a payload, not yet checked.
struct PhonePosition {
  std::string id;
  std::optional<double> latitude;   // degrees; nullopt: missing, or not a number
  std::optional<double> longitude;  // the same
  std::optional<std::string> time;  // from phone_time(); nullopt: missing or malformed
};
// Adds a report to the payload. Adds a dropped message instead: NoPosition if latitude or longitude is nullopt; Invalid
// if the latitude is not within -90 and 90, the longitude not within -180 and 180, or the time is nullopt.
void add_position(PhonePayload& payload, PhonePosition position);

// Sorts the reports by time, the oldest first. Reports with equal times keep their order.
void sort_reports(PhonePayload& payload);

// Returns the operand of IAMAT for a time as apps write it. That is seconds or milliseconds since 1970, with or without
// a fraction, or ISO 8601 with or without an offset. Without an offset it is UTC; date and time may be separated by a
// blank. Numbers from 10^11 on are milliseconds: as seconds they would be after the year 5138. Fraction digits after
// the ninth are cut off. nullopt if the text is malformed, or the time is not between 1970 and 2262.
[[nodiscard]] std::optional<std::string> phone_time(std::string_view text);

// Reads a decimal number as Java and JavaScript print it, also with an exponent. nullopt if the text is anything else,
// such as "NaN", or is not finite as a double.
[[nodiscard]] std::optional<double> phone_number(std::string_view text);

}  // namespace herd::node::api
