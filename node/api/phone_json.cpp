#include "node/api/phone_json.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <utility>

#include "node/api/phone_payload.hpp"

namespace herd::node::api {
namespace {

using nlohmann::json;

// Copies JSON byte by byte, counts its brackets outside strings, and writes null for words that are no JSON.
class Cleaner {
 public:
  // nullopt: nested too deep.
  std::optional<std::string> clean(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
      const std::size_t taken = is_quoted_ ? 0 : word_length(text);
      if (taken > 0) {
        out += "null";
        text.remove_prefix(taken);
        continue;
      }
      if (!take(text.front())) return std::nullopt;
      out += text.front();
      text.remove_prefix(1);
    }
    return out;
  }

 private:
  static std::size_t word_length(std::string_view text) {
    static constexpr std::array<std::string_view, 3> kWords{"NaN", "Infinity", "-Infinity"};
    for (const std::string_view word : kWords) {
      if (text.starts_with(word)) return word.size();
    }
    return 0;
  }

  bool take(char c) {
    if (is_quoted_) {
      if (!std::exchange(is_escaped_, !is_escaped_ && c == '\\') && c == '"') is_quoted_ = false;
    } else if (c == '"') {
      is_quoted_ = true;
    } else if (c == '[' || c == '{') {
      return ++depth_ <= kMaxPhoneJsonDepth;
    } else if (c == ']' || c == '}') {
      --depth_;
    }
    return true;
  }

  bool is_quoted_ = false;
  bool is_escaped_ = false;
  int depth_ = 0;
};

}  // namespace

std::optional<json> parse_phone_json(std::string_view text) {
  const auto clean = Cleaner().clean(text);
  if (!clean) return std::nullopt;
  json parsed = json::parse(*clean, nullptr, /*allow_exceptions=*/false);
  return parsed.is_discarded() ? std::nullopt : std::optional(std::move(parsed));
}

const json* member_of(const json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::optional<double> number_member(const json& object, const char* name) {
  const json* found = member_of(object, name);
  if (found == nullptr) return std::nullopt;
  if (found->is_string()) return phone_number(found->get_ref<const std::string&>());
  return found->is_number() ? std::optional(found->get<double>()) : std::nullopt;
}

std::string text_member(const json& object, const char* name) {
  const json* found = member_of(object, name);
  if (found == nullptr) return {};
  if (found->is_string()) return found->get<std::string>();
  return found->is_number_integer() ? found->dump() : std::string();
}

std::optional<std::string> time_member(const json& object, const char* name) {
  const json* found = member_of(object, name);
  if (found == nullptr) return std::nullopt;
  if (found->is_number_float()) return phone_time(fmt::format("{:.3f}", found->get<double>()));
  return phone_time(text_member(object, name));
}

}  // namespace herd::node::api
