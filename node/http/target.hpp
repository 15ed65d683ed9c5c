// The request target of RFC 9112, section 3.2. Pure, any thread.
#pragma once

#include <string>
#include <string_view>

#include "protocol/result.hpp"

namespace herd::node::http {

struct Target {
  std::string path;   // percent-decoded
  std::string query;  // as sent
};

// "/path?query" or "http://host:port/path?query"; "*" for OPTIONS; anything for CONNECT, which no path answers. The
// Error says what is wrong: an invalid percent-encoding, %00, a fragment, a character that must be encoded.
[[nodiscard]] protocol::Result<Target> parse_target(std::string_view method, std::string_view text);

// Whether it is the value of a Host header: a name, an IPv4 address or an IPv6 address in brackets, and perhaps a port.
// It may be empty.
[[nodiscard]] bool is_host(std::string_view text);

}  // namespace herd::node::http
