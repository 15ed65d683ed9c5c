// Finds ports of the configuration that the kernel may give to any outgoing connection. While the node is down, such a
// connection can take the port, and the node cannot start until it ends. It can even be a peer's attempt to connect to
// that port, which is then connected to itself. Pure, except read_port_range(); any thread.
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
  std::vector<std::pair<std::uint16_t, std::uint16_t>> reserved{};  // parts that the kernel does not use

  [[nodiscard]] bool contains(std::uint16_t port) const;
};

// The texts of the kernel's settings ip_local_port_range ("32768\t60999") and ip_local_reserved_ports
// ("8080,9148-9150", or empty).
struct PortSettings {
  std::string_view range;
  std::string_view reserved;
};

// Parses the settings. A text that cannot be parsed contains no port.
[[nodiscard]] PortRange parse_port_range(const PortSettings& settings);

// Returns the range of this machine; an empty range if it cannot be read.
[[nodiscard]] PortRange read_port_range();

// Returns a warning for each port of the node in the range.
[[nodiscard]] std::vector<std::string> ports_at_risk(const NodeConfig& node, const PortRange& range);

}  // namespace herd::node
