// Listening TCP sockets for an address of the configuration. A host name that has several addresses is listened on at
// all of them: `localhost` is 127.0.0.1 and ::1 on most machines, and a client may try either first. The caller's
// thread; a name is looked up, which may block, so call it at the start.
#pragma once

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <string_view>
#include <vector>

#include "node/base/address.hpp"
#include "protocol/result.hpp"

namespace herd::node {

struct ListenOptions {
  std::string_view key;          // of the configuration, for error texts: "clients" or "http"
  int send_buffer_bytes = 0;     // SO_SNDBUF of accepted connections, which inherit it; 0: the kernel's choice
  int receive_buffer_bytes = 0;  // SO_RCVBUF, as above
};

// Every address of the host, each once, in the resolver's order; for a literal address that one. Fails if the name is
// unknown.
[[nodiscard]] protocol::Result<std::vector<asio::ip::tcp::endpoint>> endpoints_of(const Address& address,
                                                                                  std::string_view key);

// One open, bound, listening, non-blocking acceptor for each endpoint. An endpoint that this machine does not have (a
// name may have an IPv6 address on a machine without IPv6) is left out with a warning if there is another one. Fails if
// none is left, or if one is in use: a part of the clients would reach another process. If the port is 0, all listen on
// the port that the kernel gives the first.
[[nodiscard]] protocol::Result<std::vector<asio::ip::tcp::acceptor>> listen_at(
    asio::io_context& io, std::vector<asio::ip::tcp::endpoint> endpoints, const ListenOptions& options);

// Both of the above.
[[nodiscard]] protocol::Result<std::vector<asio::ip::tcp::acceptor>> listen_on_all(asio::io_context& io,
                                                                                   const Address& address,
                                                                                   const ListenOptions& options);

}  // namespace herd::node
