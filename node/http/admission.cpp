#include "node/http/admission.hpp"

#include <algorithm>
#include <cstdint>
#include <map>

namespace herd::node::http {

asio::ip::address group_of(const asio::ip::address& address) {
  if (address.is_loopback()) return asio::ip::address_v4::loopback();
  if (address.is_v4()) return address;
  const asio::ip::address_v6 six = address.to_v6();
  if (six.is_v4_mapped()) return group_of(asio::ip::make_address_v4(asio::ip::v4_mapped, six));
  auto bytes = six.to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), std::uint8_t{0});
  return asio::ip::address_v6(bytes);
}

Admission admit(const asio::ip::address& group, std::span<const Occupant> occupants, const Capacity& capacity) {
  std::map<asio::ip::address, std::size_t> of_group;
  for (const Occupant& occupant : occupants) ++of_group[occupant.group];
  const bool group_is_full = of_group[group] >= capacity.connections_an_address;
  if (!group_is_full && occupants.size() < capacity.connections) return {true, std::nullopt};
  std::optional<std::size_t> found;
  const auto is_better = [&](const Occupant& occupant) {
    if (!found) return true;
    const Occupant& best = occupants[*found];
    const std::size_t count = of_group[occupant.group];
    const std::size_t most = of_group[best.group];
    return count > most || (count == most && occupant.waits_since < best.waits_since);
  };
  for (std::size_t index = 0; index < occupants.size(); ++index) {
    const Occupant& occupant = occupants[index];
    if (!occupant.can_be_evicted || (group_is_full && occupant.group != group)) continue;
    if (is_better(occupant)) found = index;
  }
  return {found.has_value(), found};
}

std::size_t next_in_turn(std::span<const Occupant> waiting) {
  std::map<asio::ip::address, std::size_t> of_group;
  for (const Occupant& one : waiting) ++of_group[one.group];
  std::size_t found = 0;
  for (std::size_t index = 1; index < waiting.size(); ++index) {
    const std::size_t count = of_group[waiting[index].group];
    const std::size_t fewest = of_group[waiting[found].group];
    if (count < fewest || (count == fewest && waiting[index].waits_since < waiting[found].waits_since)) found = index;
  }
  return found;
}

}  // namespace herd::node::http
