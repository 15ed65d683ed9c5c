#include "node/api/osmand.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "node/api/phone_json.hpp"
#include "node/http/target.hpp"

namespace herd::node::api {
namespace {

using nlohmann::json;

// The parameters that are read.
struct Fields {
  std::string id;
  std::string latitude;
  std::string longitude;
  std::optional<std::string> timestamp;
  bool is_valid = true;
  bool is_malformed = false;  // a percent-encoding is wrong
};

void set_location(Fields& fields, std::string_view value) {
  const std::size_t comma = std::min(value.find(','), value.size());
  fields.latitude = value.substr(0, comma);
  fields.longitude = value.substr(std::min(comma + 1, value.size()));
}

void set(Fields& fields, std::string_view name, std::string value) {
  if (name == "id" || name == "deviceid") {
    fields.id = std::move(value);
  } else if (name == "lat") {
    fields.latitude = std::move(value);
  } else if (name == "lon") {
    fields.longitude = std::move(value);
  } else if (name == "location") {
    set_location(fields, value);
  } else if (name == "timestamp") {
    fields.timestamp = std::move(value);
  } else if (name == "valid") {
    fields.is_valid = value == "1" || value == "true";
  }
}

void read_fields(Fields& fields, std::string_view text) {
  while (!text.empty()) {
    // std::find: with find() of the view, GCC 12 warns at link time of a size that the view never has.
    const auto end = static_cast<std::size_t>(std::find(text.begin(), text.end(), '&') - text.begin());
    const std::string_view field = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t equals = std::min(field.find('='), field.size());
    auto value = http::percent_decoded(field.substr(std::min(equals + 1, field.size())));
    if (value) {
      set(fields, field.substr(0, equals), std::move(*value));
    } else {
      fields.is_malformed = true;
    }
  }
}

std::optional<std::string> now_text(protocol::Nanoseconds wall) {
  return phone_time(fmt::format("{}", std::chrono::duration_cast<std::chrono::milliseconds>(wall).count()));
}

void read_location(PhonePayload& payload, const json& location, const std::string& id) {
  const json* coords = member_of(location, "coords");
  const json none;
  const json& from = coords == nullptr ? none : *coords;
  add_position(payload, {id, number_member(from, "latitude"), number_member(from, "longitude"),
                         time_member(location, "timestamp")});
}

}  // namespace

PhonePayload read_osmand(const OsmAndForm& form, protocol::Nanoseconds wall) {
  PhonePayload payload{.app = PhoneApp::OsmAnd};
  Fields fields;
  read_fields(fields, form.query);
  read_fields(fields, form.body);
  if (fields.is_malformed) {
    payload.dropped.push_back({PhoneResult::Invalid, "a parameter is not percent-encoded"});
  } else if (!fields.is_valid) {
    payload.dropped.push_back({PhoneResult::NoPosition, "the app says that its position is not valid"});
  } else {
    add_position(payload, {std::move(fields.id), phone_number(fields.latitude), phone_number(fields.longitude),
                           fields.timestamp ? phone_time(*fields.timestamp) : now_text(wall)});
  }
  return payload;
}

PhonePayload read_traccar(std::string_view body) {
  PhonePayload payload{.app = PhoneApp::Traccar};
  const auto parsed = parse_phone_json(body);
  const json* location = parsed ? member_of(*parsed, "location") : nullptr;
  if (!parsed) {
    payload.dropped.push_back({PhoneResult::Invalid, "it is not JSON, or nested too deep"});
  } else if (location == nullptr) {
    payload.dropped.push_back({PhoneResult::Invalid, "it is not an object with a location"});
  } else if (!location->is_array()) {
    read_location(payload, *location, text_member(*parsed, "device_id"));
  } else if (location->size() > kMaxPhoneMessages) {
    payload.refusal = {413, fmt::format("the array has more than {} positions: send fewer", kMaxPhoneMessages)};
  } else {
    for (const json& one : *location) read_location(payload, one, text_member(*parsed, "device_id"));
  }
  sort_reports(payload);
  return payload;
}

}  // namespace herd::node::api
