// Ports for tests. They are below 32768, where the kernel's range for outgoing connections begins: in that range
// libzmq 4.3.4 could connect to itself.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace herd::node {

inline sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

inline bool can_bind(std::uint16_t port) {
  const int probe = socket(AF_INET, SOCK_STREAM, 0);
  const int yes = 1;
  setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  const auto address = loopback(port);
  const bool bound =
      bind(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 && listen(probe, 1) == 0;
  close(probe);
  return bound;
}

// Returns whether no other test has the port. Reserves it until the process ends, also while nothing listens on it: the
// reservation is a Unix socket with an abstract name, which the kernel frees.
inline bool reserve(std::uint16_t port) {
  const std::string name = "herd-test-port-" + std::to_string(port);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::copy(name.begin(), name.end(), address.sun_path + 1);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  const int owner = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (bind(owner, reinterpret_cast<const sockaddr*>(&address), size) == 0) return true;
  close(owner);
  return false;
}

// A port of 127.0.0.1 that no other process uses. Tests that run at the same time begin their search at different
// ports, which depend on their process ids.
inline std::uint16_t free_port() {
  constexpr std::uint32_t kFirst = 20'000;
  constexpr std::uint32_t kCount = 12'000;
  static std::uint32_t next = static_cast<std::uint32_t>(getpid()) * 37;
  for (std::uint32_t tries = 0; tries < kCount; ++tries) {
    const auto port = static_cast<std::uint16_t>(kFirst + next++ % kCount);
    if (can_bind(port) && reserve(port)) return port;
  }
  throw std::runtime_error("no free port between 20000 and 32000");
}

}  // namespace herd::node
