// Where a node listens: a host and a port, as the configuration writes them. Pure text and numbers, any thread, except
// is_of_this_host, which asks the kernel.
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

// "127.0.0.1:12140", "[::1]:12140" or "name.example:12140"; the port from 1 to 65535. The Error goes on after a key's
// name: "is not HOST:PORT, ...".
[[nodiscard]] protocol::Result<Address> parse_address(std::string_view text);

// "tcp://127.0.0.1:12240": as parse_address, after "tcp://".
[[nodiscard]] protocol::Result<Address> parse_endpoint(std::string_view text);

// "127.0.0.1:12140", with brackets around IPv6.
[[nodiscard]] std::string to_string(const Address& address);

// 127.0.0.0/8, ::1, or the name localhost.
[[nodiscard]] bool is_loopback(const Address& address);

// A literal address, no name that must be looked up.
[[nodiscard]] bool is_literal(const Address& address);

// Whether both cannot be bound on one host: the same port, and the same host or one that stands for every address.
struct AddressPair {
  const Address& one;
  const Address& other;
};
[[nodiscard]] bool collide(const AddressPair& pair);

// Whether a socket of this host can have it: looks names up and tries to bind a free port there.
[[nodiscard]] bool is_of_this_host(const Address& address);

}  // namespace herd::node
