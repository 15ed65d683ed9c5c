// Ports of the configuration that the system may give to any outgoing connection: while the node is down, a program's
// connection can take such a port, and the node cannot start until it ends. Even a peer's connection to that very port
// can, which then is connected to itself. Pure but for read_port_range().
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "node/config/config.hpp"

namespace herd::node {

struct PortRange {
  std::uint16_t first = 1;  // first > last: no port
  std::uint16_t last = 0;
  std::vector<std::pair<std::uint16_t, std::uint16_t>> reserved{};  // parts of it that are not given

  [[nodiscard]] bool contains(std::uint16_t port) const;
};

// From the texts of the system's settings ip_local_port_range ("32768\t60999") and ip_local_reserved_ports
// ("8080,9148-9150", or empty). What cannot be read counts as no port.
struct PortSettings {
  std::string_view range;
  std::string_view reserved;
};
[[nodiscard]] PortRange parse_port_range(const PortSettings& settings);

// This system's; an empty range where it does not say.
[[nodiscard]] PortRange read_port_range();

// One sentence for each port of the node in the range.
[[nodiscard]] std::vector<std::string> ports_at_risk(const NodeConfig& node, const PortRange& range);

}  // namespace herd::node
