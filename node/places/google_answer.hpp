// Shared by the readers of Google's two APIs: parsing untrusted JSON, and messages for failures. Pure; any thread.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "node/places/web_api.hpp"

namespace herd::node::places {

// A genuine answer has about ten levels. In a hostile one, each level (one byte) would cost fifty bytes of memory.
inline constexpr int kMaxJsonDepth = 32;

// Returns nullopt if the text is not JSON, is nested more than kMaxJsonDepth deep, or contains a number that does not
// fit a double.
[[nodiscard]] std::optional<nlohmann::json> parse_json(std::string_view text);

// member() returns the member of that name; nullptr if `object` is not an object, or if the member is missing or null.
// text_member() returns it if it is a string, else nullopt.
[[nodiscard]] const nlohmann::json* member(const nlohmann::json& object, const char* name);
[[nodiscard]] std::optional<std::string> text_member(const nlohmann::json& object, const char* name);

// The names of the members of a position.
struct PositionNames {
  const char* latitude;
  const char* longitude;
  bool zero_left_out;  // the service omits a member with the value 0
};
// Returns the position in the member of that name, an object with two numbers; nullopt if it is malformed or out of
// range.
[[nodiscard]] std::optional<protocol::Position> position_member(const nlohmann::json& object, const char* name,
                                                                const PositionNames& names);

// Returns {"lat":..,"lng":..}, the form of a position in results.
[[nodiscard]] nlohmann::json position_json(const protocol::Position& position);

// Returns a list of the strings in `list`, without its other elements.
[[nodiscard]] nlohmann::json texts_of(const nlohmann::json& list);

struct Refusal {
  std::string_view provider;
  Status status = Status::UnknownError;
  std::optional<std::string> words;  // Google's message, if there was one
};
// The failure for a status of Google, with what to do.
[[nodiscard]] Failure refusal(const Refusal& refusal);

// The failure for an HTTP status other than 200; `words` as above.
[[nodiscard]] Failure http_failure(std::string_view provider, int http_status, std::optional<std::string> words);

// The failure for a reply with status 200 and a body that is not an answer of this API.
[[nodiscard]] Failure nonsense(std::string_view provider);

}  // namespace herd::node::places
