// Which connection is closed to make room for another. Pure, any thread.
#pragma once

#include <asio/ip/address.hpp>
#include <chrono>
#include <cstddef>
#include <optional>
#include <span>

namespace herd::node::http {

// What the bound for each address counts as one: all of 127.0.0.0/8 and ::1, and each /64 of IPv6, which one host can
// have to itself. An IPv4 address mapped into IPv6 is that IPv4 address.
[[nodiscard]] asio::ip::address group_of(const asio::ip::address& address);

struct Occupant {
  asio::ip::address group;
  bool can_be_evicted = false;
  std::chrono::steady_clock::time_point waits_since;  // for its client
};

struct Capacity {
  std::size_t connections = 0;
  std::size_t connections_an_address = 0;
};

// Whether there is room for one more connection of `group`, perhaps after another one was closed.
struct Admission {
  bool is_admitted = false;
  std::optional<std::size_t> to_evict;  // place in `occupants`
};

// At the bound of the address, the one of that address that has waited longest makes room. At the bound of all, it is
// one of the address that has most connections. Those that cannot be evicted count, but stay.
[[nodiscard]] Admission admit(const asio::ip::address& group, std::span<const Occupant> occupants,
                              const Capacity& capacity);

}  // namespace herd::node::http
