// Listening TCP sockets for an address of the configuration. For a host name with several addresses there is a socket
// for each: `localhost` is 127.0.0.1 and ::1 on most machines, and a client may try either first. Runs on the caller's
// thread; the lookup of a name may block, so call these functions only at the start.
#pragma once

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "node/base/address.hpp"
#include "protocol/result.hpp"

namespace herd::node {

struct ListenOptions {
  std::string_view key;          // the configuration key, for error texts: "clients" or "http"
  int send_buffer_bytes = 0;     // SO_SNDBUF of accepted connections, which inherit it; 0: the kernel's choice
  int receive_buffer_bytes = 0;  // SO_RCVBUF, as above
};

// Returns "127.0.0.1:12140" or "[::1]:12140".
[[nodiscard]] std::string text_of(const asio::ip::tcp::endpoint& endpoint);

// Returns every address of the host once, in the resolver's order, with the port; for an IP address that one. Fails if
// the name is unknown.
[[nodiscard]] protocol::Result<std::vector<asio::ip::tcp::endpoint>> endpoints_of(const Address& address,
                                                                                  std::string_view key);

// Returns the endpoints of the bus that a node binds: `endpoint` (tcp://HOST:PORT) itself if its host is an IP address,
// else tcp://IP:PORT for each address of the name that this machine has. Fails if the name is unknown, or has no
// address of this machine.
[[nodiscard]] protocol::Result<std::vector<std::string>> own_endpoints_of(const std::string& endpoint,
                                                                          std::string_view key);

// Returns a listening, non-blocking acceptor for each endpoint. Skips an endpoint that this machine does not have, with
// a warning, if there is another one: a name may have an IPv6 address on a machine without IPv6. Fails if none is left,
// or if one is in use, because some clients would then reach another process. If the port is 0, all acceptors listen on
// the port that the kernel chooses for the first.
[[nodiscard]] protocol::Result<std::vector<asio::ip::tcp::acceptor>> listen_at(
    asio::io_context& io, std::vector<asio::ip::tcp::endpoint> endpoints, const ListenOptions& options);

// Calls endpoints_of(), then listen_at().
[[nodiscard]] protocol::Result<std::vector<asio::ip::tcp::acceptor>> listen_on_all(asio::io_context& io,
                                                                                   const Address& address,
                                                                                   const ListenOptions& options);

}  // namespace herd::node
