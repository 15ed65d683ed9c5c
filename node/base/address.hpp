// Addresses in the configuration: a host and a port. Any thread. Pure, except is_of_this_host(), which opens a socket.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/result.hpp"

namespace herd::node {

struct Address {
  std::string host;  // a literal IPv4 or IPv6 address (without brackets) or a host name
  std::uint16_t port = 0;
  bool operator==(const Address&) const = default;
};

// Parses "127.0.0.1:12140", "[::1]:12140" or "name.example:12140"; the port is 1 to 65535. The Error's message
// continues a sentence that begins with the key: `clients` "is "x", which has no port: ...".
[[nodiscard]] protocol::Result<Address> parse_address(std::string_view text);

// Parses "tcp://127.0.0.1:12240": "tcp://" and an address as for parse_address().
[[nodiscard]] protocol::Result<Address> parse_endpoint(std::string_view text);

// Returns "127.0.0.1:12140"; an IPv6 address has brackets.
[[nodiscard]] std::string to_string(const Address& address);

// Whether the host is in 127.0.0.0/8, ::1, or the name localhost.
[[nodiscard]] bool is_loopback(const Address& address);

// Whether the host is an IP address, and not a name that must be looked up.
[[nodiscard]] bool is_literal(const Address& address);

// Whether the host is 0.0.0.0 or ::, which a socket binds to listen at all addresses of the host.
[[nodiscard]] bool is_wildcard(const Address& address);

// Whether two sockets of one machine cannot be bound to the two addresses: they have the same port, and the same host
// or a wildcard (0.0.0.0 or ::). Does not look names up.
struct AddressPair {
  const Address& one;
  const Address& other;
};
[[nodiscard]] bool collide(const AddressPair& pair);

// Whether the host is an IP address of this machine; false for a name. Binds any free port there.
[[nodiscard]] bool is_of_this_host(const Address& address);

}  // namespace herd::node
