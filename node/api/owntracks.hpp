// The payloads of OwnTracks in its HTTP mode (https://owntracks.org/booklet/tech/http and .../tech/json). Pure; any
// thread.
#pragma once

#include <string_view>

#include "node/api/phone_payload.hpp"

namespace herd::node::api {

// What the app says of itself outside the payload; both may be empty.
struct OwnTracksSender {
  std::string_view user;    // X-Limit-U
  std::string_view device;  // X-Limit-D
};

// Reads the body of a request: one message, an array of them, or nothing. A location is a report; messages of other
// types are ignored; an encrypted one is refused. The id of a report is `user/device`, or the one of these two that is
// given; else what follows `owntracks/` in the topic; else the tid.
[[nodiscard]] PhonePayload read_owntracks(std::string_view body, const OwnTracksSender& sender);

}  // namespace herd::node::api
