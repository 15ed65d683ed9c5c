// What the two forms of Google's answers have in common: reading JSON that may be anything, and saying what a failure
// means. Pure: any thread.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "node/places/web_api.hpp"

namespace herd::node::places {

// An honest answer has some ten levels; each level of a hostile one would cost fifty times its byte.
inline constexpr int kMaxJsonDepth = 32;

// Nothing where it is no JSON, nested too deeply, or holds a number that no double can.
[[nodiscard]] std::optional<nlohmann::json> parse_json(std::string_view text);

// The member of that name, or nullptr: also where `object` is no object, or the member is null.
[[nodiscard]] const nlohmann::json* member(const nlohmann::json& object, const char* name);
[[nodiscard]] std::optional<std::string> text_member(const nlohmann::json& object, const char* name);

// {<latitude>: number, <longitude>: number}, on the earth.
struct PositionNames {
  const char* latitude;
  const char* longitude;
  bool zero_left_out;  // the object has no member for a number that is 0
};
[[nodiscard]] std::optional<protocol::Position> position_member(const nlohmann::json& object, const char* name,
                                                                const PositionNames& names);

// {"lat":..,"lng":..}, as results have it.
[[nodiscard]] nlohmann::json position_json(const protocol::Position& position);

// The texts of a list, without whatever else stands in it.
[[nodiscard]] nlohmann::json texts_of(const nlohmann::json& list);

struct Refusal {
  std::string_view provider;
  Status status = Status::UnknownError;
  std::optional<std::string> words;  // Google's own, if there were any
};
[[nodiscard]] Failure refusal(const Refusal& refusal);

// An HTTP status other than 200; `words` as above.
[[nodiscard]] Failure http_failure(std::string_view provider, int http_status, std::optional<std::string> words);

// 200, and a body that is not what was asked for.
[[nodiscard]] Failure nonsense(std::string_view provider);

}  // namespace herd::node::places
