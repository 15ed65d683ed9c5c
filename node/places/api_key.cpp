#include "node/places/api_key.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "node/base/small_file.hpp"

namespace herd::node::places {
namespace {

using protocol::fail;
using protocol::Result;

constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::string_view kRedacted = "[key]";

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_unreserved(char c) {  // RFC 3986, 2.3
  return is_letter(c) || (c >= '0' && c <= '9') || std::string_view("-._~").find(c) != std::string_view::npos;
}

bool is_of_key(char c) {
  return is_unreserved(c) || std::string_view("+/=").find(c) != std::string_view::npos;
}

std::string percent_encode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (is_unreserved(c)) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

void replace_all(std::string& text, std::string_view part) {
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + kRedacted.size())) {
    text.replace(at, part.size(), kRedacted);
  }
}

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(kBlanks) - first + 1));
}

}  // namespace

Result<ApiKey> ApiKey::parse(std::string text) {
  if (text.size() < kMinBytes || text.size() > kMaxBytes) {
    return fail(fmt::format("contains {} bytes, but a key has {} to {}", text.size(), kMinBytes, kMaxBytes));
  }
  if (!std::all_of(text.begin(), text.end(), is_of_key) || std::none_of(text.begin(), text.end(), is_letter)) {
    return fail("contains no valid key: a key has letters, digits and the signs -._~+/= only");
  }
  ApiKey key;
  key.percent_encoded_ = percent_encode(text);
  key.text_ = std::move(text);
  return key;
}

void ApiKey::redact(std::string& text) const {
  if (empty()) return;
  replace_all(text, text_);
  replace_all(text, percent_encoded_);
}

FoundKey find_key(const KeySource& source) {
  const char* value = std::getenv(source.variable.c_str());
  if (value != nullptr && *value != '\0') {
    auto key = ApiKey::parse(trimmed(value));
    if (key) return {std::move(*key), ""};
    return {{}, fmt::format("the environment variable {} {}", source.variable, key.error().message)};
  }
  if (source.file.empty()) {
    return {{},
            fmt::format("set the environment variable {}, or `key_file` of [places], and restart the node",
                        source.variable)};
  }
  auto key = read_key_file(source.file);
  if (key) return {std::move(*key), ""};
  return {{}, fmt::format("the file of `key_file` {}", key.error().message)};
}

Result<ApiKey> read_key_file(const std::filesystem::path& file) {
  constexpr FileRules kRules{.most_bytes = std::size_t{64} * 1024,
                             .too_long = "is longer than 64 KiB, so it is not the file of a key",
                             .refused_mode = kOwnerOnly};
  const auto text = read_small_file(file, kRules);
  if (!text) return tl::unexpected(text.error());
  return ApiKey::parse(trimmed(std::string_view(*text).substr(0, text->find('\n'))));
}

}  // namespace herd::node::places
