#include "node/places/provider_url.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "node/base/address.hpp"

namespace herd::node::places {
namespace {

using protocol::fail;

bool is_of_url(char c) {
  return c > 0x20 && c < 0x7F && std::string_view("\"<>\\^`{|}").find(c) == std::string_view::npos;
}

// Appends the default port of the scheme if the authority has no port.
std::string with_port(std::string_view authority, bool encrypted) {
  const auto colon = authority.rfind(':');
  const bool has_port = colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos;
  return fmt::format("{}{}", authority, has_port ? "" : encrypted ? ":443" : ":80");
}

}  // namespace

protocol::Result<ProviderUrl> parse_provider_url(std::string_view text) {
  constexpr std::string_view kHttps = "https://";
  constexpr std::string_view kHttp = "http://";
  const bool encrypted = text.starts_with(kHttps);
  if (!encrypted && !text.starts_with(kHttp))
    return fail("is neither an https nor an http URL: write https://HOST/PATH");
  const std::string_view rest = text.substr((encrypted ? kHttps : kHttp).size());
  const std::string_view authority = rest.substr(0, rest.find('/'));
  // A query could contain a key, so the message does not repeat such a URL.
  if (!std::all_of(text.begin(), text.end(), is_of_url) || text.find_first_of("?#@") != std::string_view::npos) {
    return fail("has a user, a query, a fragment or an invalid character: write https://HOST/PATH");
  }
  const auto address = parse_address(with_port(authority, encrypted));
  if (!address) return fail(fmt::format("is \"{}\", but its host or port is invalid: write https://HOST/PATH", text));
  const bool loopback = is_loopback(*address);
  if (!encrypted && !loopback) {
    return fail(
        fmt::format("is \"{}\", which would send the key unencrypted: write https (http is for loopback "
                    "addresses only)",
                    text));
  }
  return ProviderUrl{std::string(text), encrypted, loopback};
}

}  // namespace herd::node::places
