#include "node/clients/client_addresses.hpp"

#include "protocol/assert.hpp"

namespace herd::node {
// An IPv4 address becomes a number in ff00::/8, the multicast addresses, which no client has.
std::uint64_t ClientAddresses::network_of(const asio::ip::address& address) {
  constexpr std::uint64_t kOfV4 = 0xffff'ffff'0000'0000;
  if (address.is_v4()) return kOfV4 | address.to_v4().to_uint();
  const auto v6 = address.to_v6();
  if (v6.is_v4_mapped()) return kOfV4 | asio::ip::make_address_v4(asio::ip::v4_mapped, v6).to_uint();
  const auto bytes = v6.to_bytes();
  std::uint64_t network = 0;
  for (std::size_t i = 0; i < 8; ++i) network = network << 8 | bytes[i];
  return network;
}

void ClientAddresses::add(Member& member, const asio::ip::address& address) {
  HERD_ASSERT(member.address == nullptr);
  const std::uint64_t network = network_of(address);
  Entry& entry = entries_[network];
  entry.network = network;
  change(entry, entry.connections + 1);
  member = {&entry, entry.newest, nullptr};
  if (entry.newest != nullptr) entry.newest->newer = &member;
  entry.newest = &member;
}

void ClientAddresses::remove(Member& member) {
  HERD_ASSERT(member.address != nullptr);
  Entry& entry = *member.address;
  if (member.older != nullptr) member.older->newer = member.newer;
  (member.newer != nullptr ? member.newer->older : entry.newest) = member.older;
  member = {};
  change(entry, entry.connections - 1);
  if (entry.connections == 0) entries_.erase(entry.network);
}

std::size_t ClientAddresses::connections_of(const asio::ip::address& address) const {
  const auto found = entries_.find(network_of(address));
  return found == entries_.end() ? 0 : found->second.connections;
}

ClientAddresses::Member* ClientAddresses::to_displace_for(const asio::ip::address& newcomer) const {
  if (by_count_.empty()) return nullptr;
  const auto [most, network] = *by_count_.rbegin();
  return connections_of(newcomer) + 1 < most ? entries_.at(network).newest : nullptr;
}

void ClientAddresses::change(Entry& entry, std::size_t connections) {
  by_count_.erase({entry.connections, entry.network});
  entry.connections = connections;
  if (connections > 0) by_count_.insert({connections, entry.network});
}

}  // namespace herd::node
