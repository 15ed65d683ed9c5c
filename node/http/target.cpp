#include "node/http/target.hpp"

#include <algorithm>

namespace herd::node::http {
namespace {

using protocol::fail;
using protocol::Result;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

int hexadecimal_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Browsers do not encode some characters that RFC 3986 requires to be encoded, such as "|". They do encode these four,
// the space and control characters.
bool may_be_unencoded(char c) {
  return c > ' ' && c < '\x7f' && std::string_view("\"#<>").find(c) == std::string_view::npos;
}

Result<Target> parse_origin_form(std::string_view text) {
  const auto mark = text.find('?');
  const std::string_view query = mark == std::string_view::npos ? std::string_view() : text.substr(mark + 1);
  auto path = percent_decoded(text.substr(0, mark));
  if (!path) return tl::unexpected(path.error());
  if (auto valid = percent_decoded(query); !valid) return tl::unexpected(valid.error());
  return Target{std::move(*path), std::string(query)};
}

bool starts_with_scheme(std::string_view text, std::string_view scheme) {
  return text.size() >= scheme.size() && std::equal(scheme.begin(), scheme.end(), text.begin(), [](char small, char c) {
           return small == c || (is_letter(small) && (small ^ 0x20) == c);
         });
}

// RFC 9112, 3.2.2: a server must accept the absolute form, although only clients of proxies send it.
Result<Target> parse_absolute_form(std::string_view text) {
  const bool secure = starts_with_scheme(text, "https://");
  if (!secure && !starts_with_scheme(text, "http://")) {
    return fail("the target is neither a path that begins with / nor a URL that begins with http://");
  }
  text.remove_prefix(secure ? 8 : 7);
  const auto end = std::min(text.find_first_of("/?#"), text.size());
  if (end == 0 || !is_host(text.substr(0, end))) return fail("the host in the target is invalid");
  text.remove_prefix(end);
  if (text.empty() || text.front() != '/') return parse_origin_form("/" + std::string(text));
  return parse_origin_form(text);
}

bool is_port(std::string_view text) {
  return text.size() <= 5 && std::all_of(text.begin(), text.end(), is_digit);
}

}  // namespace

Result<std::string> percent_decoded(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!may_be_unencoded(text[i])) return fail("the target has a character that must be percent-encoded");
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hexadecimal_value(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hexadecimal_value(text[i + 2]) : -1;
    if (high < 0 || low < 0) return fail("the target has a % without two hexadecimal digits after it");
    if (high == 0 && low == 0) return fail("the target has a %00");
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

Result<Target> parse_target(std::string_view method, std::string_view text) {
  if (text.starts_with('/')) return parse_origin_form(text);
  if (method == "CONNECT") return Target{std::string(text), {}};
  if (text == "*" && method == "OPTIONS") return Target{"*", {}};
  return parse_absolute_form(text);
}

bool is_host(std::string_view text) {
  const auto of_name = [](char c) {
    return is_letter(c) || is_digit(c) || std::string_view("-._~!$&'()*+,;=%").find(c) != std::string_view::npos;
  };
  const auto of_literal = [](char c) { return hexadecimal_value(c) >= 0 || c == ':' || c == '.' || c == '%'; };
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos || end < 3) return false;
    const std::string_view inside = text.substr(1, end - 1);
    const std::string_view rest = text.substr(end + 1);
    return std::all_of(inside.begin(), inside.end(), of_literal) &&
           (rest.empty() || (rest.front() == ':' && is_port(rest.substr(1))));
  }
  const auto colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  return std::all_of(name.begin(), name.end(), of_name) &&
         (colon == std::string_view::npos || is_port(text.substr(colon + 1)));
}

}  // namespace herd::node::http
