// A small HTTP/1.1 server for pages that never block. It runs on one thread of its own, which `start` creates and the
// destructor joins. Its memory, its descriptors and the work of its thread are bounded whatever clients do
// (node/http/limits.hpp). docs/decisions/0023 explains why herd has its own server.
//
// The number of connections is bounded, in total and per address. One /64 of IPv6 counts as one address, and so does
// all of loopback. At a bound, the server closes the connection that has waited longest for its client (for a request,
// or for a response to be taken): one of the same address at the bound per address, else one of the address with the
// most connections. So neither silent nor slow clients can lock out a complete request. If no connection can be closed,
// because all of them are viewers of streams or wait for a page, the new connection gets 503, or with TLS is closed.
//
// With TLS, one step of a handshake is made at a time, and other connections are served after each. If several wait for
// their step, it is the turn of an address that has fewest of them. So half handshakes of some addresses neither delay
// the requests of open connections nor the handshakes of other addresses.
#pragma once

#include <asio/io_context.hpp>
#include <memory>

#include "node/base/address.hpp"
#include "node/http/limits.hpp"
#include "node/http/router.hpp"
#include "node/observe/http_figures.hpp"
#include "node/tls/tls_context.hpp"
#include "protocol/result.hpp"

namespace herd::node::http {

class Server {
 public:
  struct Parts {
    std::shared_ptr<asio::io_context> io;  // run only by the server's thread; other threads may asio::post to it
    Router router;                         // complete: it is not changed after the start
    std::shared_ptr<Figures> figures;      // counted by the server; pages may read it, on the server's thread
    Limits limits = {};
    // New connections begin with a TLS handshake. nullptr: they are in plain text.
    std::shared_ptr<const TlsContext> tls = nullptr;
  };

  // Listens on every address of the host before it returns. Returns an error if one of them is in use or cannot be
  // bound, or if the host name cannot be resolved.
  [[nodiscard]] static protocol::Result<std::unique_ptr<Server>> start(const Address& address, Parts parts);

  // Ends the thread and closes all connections. Takes milliseconds, whatever clients do.
  ~Server();

  // As Parts::tls, for connections accepted after it; others continue as they are. Any thread; does not block.
  void use_tls(std::shared_ptr<const TlsContext> tls);

  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

 private:
  class Running;
  explicit Server(std::unique_ptr<Running> running);

  std::unique_ptr<Running> running_;
};

}  // namespace herd::node::http
