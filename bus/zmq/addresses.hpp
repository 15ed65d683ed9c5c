// The bus addresses as ZeroMQ takes them, tcp://host:port. Pure.
#pragma once

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <zmq.hpp>

namespace herd::bus {

// The port of an address; 0 if it has none.
[[nodiscard]] inline std::uint16_t port_of(std::string_view address) {
  const std::string_view digits = address.substr(std::min(address.rfind(':') + 1, address.size()));
  std::uint16_t port = 0;
  (void)std::from_chars(digits.data(), digits.data() + digits.size(), port);
  return port;
}

// Why ZeroMQ refused an address, for people.
[[nodiscard]] inline std::string fault_of(const std::string& address, const zmq::error_t& error) {
  if (error.num() != EADDRINUSE) return "bus address " + address + " cannot be used: " + error.what();
  return "bus address " + address + " is in use: stop the other process or change `bus` in the configuration";
}

}  // namespace herd::bus
