// The payloads of the OsmAnd protocol (https://www.traccar.org/osmand): parameters, as OsmAnd, GPSLogger and old
// versions of Traccar Client send them, and the JSON of Traccar Client from version 9 on. Pure; any thread.
#pragma once

#include <string_view>

#include "node/api/phone_payload.hpp"
#include "protocol/clock.hpp"

namespace herd::node::api {

struct OsmAndForm {
  std::string_view query;  // of the target, percent-encoded
  std::string_view body;   // of a form; empty: none
};
// Reads `id` or `deviceid`, `lat` and `lon` or `location`, `timestamp` and `valid`; other parameters are ignored. Of
// several with one name the last one counts, those of the body after those of the query. Without a timestamp the
// report has the time `wall`, since 1970.
[[nodiscard]] PhonePayload read_osmand(const OsmAndForm& form, protocol::Nanoseconds wall);

// Reads `device_id` and `location`, which is one object or an array of them.
[[nodiscard]] PhonePayload read_traccar(std::string_view body);

}  // namespace herd::node::api
