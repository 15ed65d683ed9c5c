// Decides whether a new HTTP connection is admitted, and which connection is closed to make room. Pure; any thread.
#pragma once

#include <asio/ip/address.hpp>
#include <chrono>
#include <cstddef>
#include <optional>
#include <span>

namespace herd::node::http {

// Returns the address that represents all addresses of one client in the bound per address. All of 127.0.0.0/8 and ::1
// map to 127.0.0.1. An IPv6 address maps to its /64, which a single host can own. An IPv4-mapped IPv6 address counts as
// its IPv4 address.
[[nodiscard]] asio::ip::address group_of(const asio::ip::address& address);

struct Occupant {
  asio::ip::address group;
  bool can_be_evicted = false;                        // false: a viewer of a stream, or a page is working for it
  std::chrono::steady_clock::time_point waits_since;  // since when it waits for its client
};

struct Capacity {
  std::size_t connections = 0;
  std::size_t connections_an_address = 0;
};

struct Admission {
  bool is_admitted = false;
  std::optional<std::size_t> to_evict;  // index in `occupants` of the connection to close first
};

// Decides on one more connection of `group`. At the bound per address, the connection of that address that has waited
// longest is evicted. At the bound of all connections, it is the longest waiting one of the address with the most
// connections. Connections that cannot be evicted count towards the bounds. If none can be evicted, the new connection
// is not admitted.
[[nodiscard]] Admission admit(const asio::ip::address& group, std::span<const Occupant> occupants,
                              const Capacity& capacity);

// Chooses one of the connections that wait for their turn, of which there is at least one. It is the longest waiting
// one of the address that has fewest of them, so an address with many does not delay the others. Returns its index.
[[nodiscard]] std::size_t next_in_turn(std::span<const Occupant> waiting);

}  // namespace herd::node::http
