#include "node/http/credentials.hpp"

#include <algorithm>
#include <cstdint>

#include "node/http/target.hpp"

namespace herd::node::http {
namespace {

// What follows the scheme of the Authorization line and its blanks; nullopt if the line has another scheme. `scheme`
// is in lower case and ends with a blank.
std::optional<std::string_view> credentials(const Request& request, std::string_view scheme) {
  const std::string* line = request.header("authorization");
  if (line == nullptr || line->size() < scheme.size()) return std::nullopt;
  const auto is_letter = [](char sent, char lower) { return (sent >= 'A' && sent <= 'Z' ? sent + 32 : sent) == lower; };
  if (!std::equal(line->begin(), line->begin() + static_cast<std::ptrdiff_t>(scheme.size()), scheme.begin(),
                  is_letter)) {
    return std::nullopt;
  }
  std::string_view rest = *line;
  rest.remove_prefix(std::min(rest.find_first_not_of(' ', scheme.size()), rest.size()));
  return rest;
}

// The value of the parameter `token`; the last one if there are several.
std::optional<std::string> token_parameter(std::string_view query) {
  constexpr std::string_view kName = "token=";
  std::optional<std::string> token;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view field = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (!field.starts_with(kName)) continue;
    auto value = percent_decoded(field.substr(kName.size()));
    if (value) token = std::move(*value);
  }
  return token;
}

int value_of(char letter) {
  if (letter >= 'A' && letter <= 'Z') return letter - 'A';
  if (letter >= 'a' && letter <= 'z') return letter - 'a' + 26;
  if (letter >= '0' && letter <= '9') return letter - '0' + 52;
  if (letter == '+') return 62;
  return letter == '/' ? 63 : -1;
}

}  // namespace

std::optional<std::string> from_base64(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  if (text.size() % 4 == 1) return std::nullopt;
  std::string bytes;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char letter : text) {
    const int value = value_of(letter);
    if (value < 0) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 0xFF);
  }
  return bytes;
}

std::optional<std::string> bearer_token(const Request& request) {
  const auto token = credentials(request, "bearer ");
  return token ? std::optional<std::string>(*token) : std::nullopt;
}

std::optional<std::string> phone_token(const Request& request) {
  if (request.header("authorization") == nullptr) return token_parameter(request.query);
  const auto basic = credentials(request, "basic ");
  if (!basic) return bearer_token(request);
  const auto pair = from_base64(*basic);
  const std::size_t colon = pair ? pair->find(':') : std::string::npos;
  return colon == std::string::npos ? std::nullopt : std::optional(pair->substr(colon + 1));
}

}  // namespace herd::node::http
