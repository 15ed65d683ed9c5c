#include "node/config/port_range.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <optional>

#include "node/base/address.hpp"

namespace herd::node {
namespace {

constexpr const char* kRangeFile = "/proc/sys/net/ipv4/ip_local_port_range";
constexpr const char* kReservedFile = "/proc/sys/net/ipv4/ip_local_reserved_ports";

// Removes all up to and including the next number. Returns nullopt if there is none, or if it exceeds 16 bits.
std::optional<std::uint16_t> take_number(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_of("0123456789"), text.size()));
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

std::string first_line(const char* file) {
  std::string line;
  std::ifstream stream(file);
  std::getline(stream, line);
  return line;
}

}  // namespace

bool PortRange::contains(std::uint16_t port) const {
  if (port < first || port > last) return false;
  return std::none_of(reserved.begin(), reserved.end(),
                      [&](const auto& part) { return port >= part.first && port <= part.second; });
}

PortRange parse_port_range(const PortSettings& settings) {
  PortRange range;
  std::string_view text = settings.range;
  const auto first = take_number(text);
  const auto last = take_number(text);
  if (!first || !last) return range;
  range.first = *first;
  range.last = *last;
  std::string_view reserved = settings.reserved;
  while (const auto begin = take_number(reserved)) {
    const auto end = reserved.starts_with('-') ? take_number(reserved) : begin;
    range.reserved.emplace_back(*begin, end.value_or(*begin));
  }
  return range;
}

PortRange read_port_range() {
  const std::string range = first_line(kRangeFile);
  const std::string reserved = first_line(kReservedFile);
  return parse_port_range({range, reserved});
}

std::vector<std::string> ports_at_risk(const NodeConfig& node, const PortRange& range) {
  std::vector<std::string> warnings;
  const auto check = [&](std::string_view key, std::uint16_t port) {
    if (port == 0 || !range.contains(port)) return;
    warnings.push_back(
        fmt::format("{}: `{}` has port {}, which the kernel may give to any outgoing connection ({} to {}) while the "
                    "node is down: write a port outside of that range, or reserve this one: sysctl "
                    "net.ipv4.ip_local_reserved_ports={}",
                    node.name, key, port, range.first, range.last, port));
  };
  const auto check_endpoint = [&](std::string_view key, const std::string& endpoint) {
    if (const auto address = parse_endpoint(endpoint)) check(key, address->port);
  };
  check("clients", node.clients.port);
  check_endpoint("bus", node.bus);
  check_endpoint("monitor", node.monitor);
  check("http", node.http.port);
  return warnings;
}

}  // namespace herd::node
