// Parses the request target of RFC 9112, section 3.2. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "protocol/result.hpp"

namespace herd::node::http {

struct Target {
  std::string path;   // percent-decoded
  std::string query;  // as sent, without "?"
};

// Decodes each `%` with two hexadecimal digits. Returns an error for another `%`, for %00, and for a character that
// must be percent-encoded. Each part of a Target's query can be decoded.
[[nodiscard]] protocol::Result<std::string> percent_decoded(std::string_view text);

// Accepts "/path?query" and "http://host:port/path?query" (or https), "*" for OPTIONS, and any text for CONNECT, which
// the router then refuses. Returns an error for an invalid percent-encoding, %00, a fragment, an invalid host, and a
// character that must be percent-encoded.
[[nodiscard]] protocol::Result<Target> parse_target(std::string_view method, std::string_view text);

// Whether the text is a valid value of a Host header: a name, an IPv4 address or an IPv6 address in brackets, with an
// optional port. The empty text is valid.
[[nodiscard]] bool is_host(std::string_view text);

}  // namespace herd::node::http
