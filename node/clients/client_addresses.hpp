// The open connections of each client address, so that one address cannot keep others out. IPv4 addresses count one by
// one, also those that reach an IPv6 socket (::ffff:1.2.3.4); IPv6 addresses count by /64, which is what one customer
// of a provider gets. Owned by the front end, used on the loop's thread only.
#pragma once

#include <asio/ip/address.hpp>
#include <cstddef>
#include <cstdint>
#include <set>
#include <unordered_map>
#include <utility>

namespace herd::node {

class ClientAddresses {
 public:
  // One address with at least one connection.
  struct Entry;

  // A connection in the table: a base of the connection's own type. It must be removed before it is destroyed.
  struct Member {
    Entry* address = nullptr;  // nullptr: not in the table
    Member* older = nullptr;   // of the same address
    Member* newer = nullptr;
  };

  struct Entry {
    std::uint64_t network = 0;
    std::size_t connections = 0;
    std::size_t handshakes = 0;  // TLS handshakes under way; Handshakes counts them
    Member* newest = nullptr;
  };

  // What counts as one address: all of an IPv4 address, the upper half of an IPv6 address.
  [[nodiscard]] static std::uint64_t network_of(const asio::ip::address& address);

  ClientAddresses() = default;
  ClientAddresses(const ClientAddresses&) = delete;
  ClientAddresses& operator=(const ClientAddresses&) = delete;

  // `member` must not be in the table. Its `address` is valid until remove().
  void add(Member& member, const asio::ip::address& address);
  // `member` must be in the table.
  void remove(Member& member);

  [[nodiscard]] std::size_t connections_of(const asio::ip::address& address) const;

  // The connection to close when all places are taken and `newcomer` connects: the newest one of the address with most
  // connections, or of any of them if several have most. nullptr if the newcomer's own address would then have most, or
  // as many: the newcomer is refused.
  [[nodiscard]] Member* to_displace_for(const asio::ip::address& newcomer) const;

 private:
  void change(Entry& entry, std::size_t connections);

  std::unordered_map<std::uint64_t, Entry> entries_;          // by network
  std::set<std::pair<std::size_t, std::uint64_t>> by_count_;  // (connections, network) of each entry
};

}  // namespace herd::node
