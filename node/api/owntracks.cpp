#include "node/api/owntracks.hpp"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "node/api/phone_json.hpp"

namespace herd::node::api {
namespace {

using nlohmann::json;

std::string id_of(const json& message, const OwnTracksSender& sender) {
  constexpr std::string_view kBase = "owntracks/";
  if (!sender.user.empty() && !sender.device.empty()) return fmt::format("{}/{}", sender.user, sender.device);
  if (!sender.user.empty() || !sender.device.empty()) return std::string(sender.user) + std::string(sender.device);
  std::string topic = text_member(message, "topic");
  if (topic.starts_with(kBase)) topic.erase(0, kBase.size());
  return topic.empty() ? text_member(message, "tid") : topic;
}

void read_message(PhonePayload& payload, const json& message, const OwnTracksSender& sender) {
  const std::string type = text_member(message, "_type");
  if (type == "location") {
    add_position(payload, {id_of(message, sender), number_member(message, "lat"), number_member(message, "lon"),
                           time_member(message, "tst")});
  } else if (type == "encrypted") {
    payload.refusal = {400, "the message is encrypted, and the node has no key: remove the encryption key in the app"};
  } else if (type.empty()) {
    payload.dropped.push_back({PhoneResult::Invalid, "it is not an object with a _type"});
  } else {
    payload.dropped.push_back({PhoneResult::Ignored, "its _type is not location"});
  }
}

}  // namespace

PhonePayload read_owntracks(std::string_view body, const OwnTracksSender& sender) {
  PhonePayload payload{.app = PhoneApp::OwnTracks};
  if (body.empty()) {  // the app sends it when a friend is deleted
    payload.dropped.push_back({PhoneResult::Ignored, "it is empty"});
    return payload;
  }
  const auto parsed = parse_phone_json(body);
  if (!parsed) {
    payload.dropped.push_back({PhoneResult::Invalid, "it is not JSON, or nested too deep"});
  } else if (!parsed->is_array()) {
    read_message(payload, *parsed, sender);
  } else if (parsed->size() > kMaxPhoneMessages) {
    payload.refusal = {413, fmt::format("the array has more than {} messages: send fewer", kMaxPhoneMessages)};
  } else {
    for (const json& message : *parsed) read_message(payload, message, sender);
  }
  if (payload.refusal) payload.reports.clear();
  sort_reports(payload);
  return payload;
}

}  // namespace herd::node::api
