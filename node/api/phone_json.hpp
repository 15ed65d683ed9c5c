// Reads the JSON of phones, within a bound of depth. Pure; any thread.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace herd::node::api {

// The deepest documented payload has 4 levels.
inline constexpr int kMaxPhoneJsonDepth = 16;

// nullopt: the text is not JSON, or is nested deeper than kMaxPhoneJsonDepth. NaN, Infinity and -Infinity, which apps
// write for a value that their sensor does not have, count as null.
[[nodiscard]] std::optional<nlohmann::json> parse_phone_json(std::string_view text);

// The member of an object; nullptr if there is none, or if it is null.
[[nodiscard]] const nlohmann::json* member_of(const nlohmann::json& object, const char* name);

// The member as a number: a finite number, or the text of one. nullopt if it is anything else.
[[nodiscard]] std::optional<double> number_member(const nlohmann::json& object, const char* name);
// As a text: a string, or an integer. Empty if it is anything else.
[[nodiscard]] std::string text_member(const nlohmann::json& object, const char* name);
// As the time of IAMAT, as phone_time(): a string or a number.
[[nodiscard]] std::optional<std::string> time_member(const nlohmann::json& object, const char* name);

}  // namespace herd::node::api
