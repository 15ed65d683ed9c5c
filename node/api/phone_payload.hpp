// What an app of a phone has sent, as reports of clients. The parsers of the single apps (node/api/owntracks.hpp,
// node/api/osmand.hpp) make it. Values; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "node/observe/phone_figures.hpp"
#include "protocol/clock.hpp"

namespace herd::node::api {

// Messages of one request. An app sends one position in a request; a program that forwards positions may send more.
inline constexpr std::size_t kMaxPhoneMessages = 1'000;

struct PhoneReport {
  std::string id;              // of the payload; empty: it names none
  std::string coordinates;     // as IAMAT takes them, with 7 fraction digits: 1.1 cm
  std::string time;            // as IAMAT takes it
  protocol::Nanoseconds at{};  // its value
};

// A message that is no report.
struct PhoneDropped {
  PhoneResult result = PhoneResult::Ignored;  // Ignored, NoPosition or Invalid
  std::string_view reason;                    // a literal
};

// A request that the phone must send again after someone has changed a setting.
struct PhoneRefusal {
  int status = 400;
  std::string reason;  // what is wrong and what to do
};

struct PhonePayload {
  PhoneApp app = PhoneApp::OwnTracks;
  std::vector<PhoneReport> reports{};  // the oldest first
  std::vector<PhoneDropped> dropped{};
  std::optional<PhoneRefusal> refusal{};  // then there are no reports
};

// A position as an app writes it.
struct PhonePosition {
  std::string id;
  std::optional<double> latitude;  // nullopt: there is none that is a number
  std::optional<double> longitude;
  std::optional<std::string> time;  // as phone_time() gives it; nullopt: there is none, or it is malformed
};
// Adds a report, or a dropped message if the position is none.
void add_position(PhonePayload& payload, PhonePosition position);

// Puts the reports into the order of their times. Those of one time keep their order.
void sort_reports(PhonePayload& payload);

// The time of IAMAT for a time as apps write it: seconds or milliseconds since 1970, with or without a fraction, or
// ISO 8601 with or without an offset (without one: UTC; date and time may be separated by a blank). Numbers from 10^11
// on are milliseconds: as seconds they would be after the year 5138. nullopt if it is malformed, or before 1970.
[[nodiscard]] std::optional<std::string> phone_time(std::string_view text);

// A decimal number, as Java and JavaScript print it; nullopt if the text is another, such as "NaN".
[[nodiscard]] std::optional<double> phone_number(std::string_view text);

}  // namespace herd::node::api
