// A small HTTP/1.1 server for pages that never block, with one thread of its own. Whatever clients do, its memory, its
// descriptors and the time of its thread are bounded (node/http/limits.hpp); docs/decisions says why it is our own.
//
// Connections are bounded in all and for each address (one /64 of IPv6; all of loopback is one address). At a bound the
// connection that has waited longest for its request, or for its client, is closed to make room: of the same address,
// or else of the address that has most. So neither silent nor slow clients can keep a whole request out. If none can be
// closed, because all are viewers of streams or wait for a page, the new connection is answered with 503.
#pragma once

#include <asio/io_context.hpp>
#include <memory>

#include "node/base/address.hpp"
#include "node/observe/http_figures.hpp"
#include "node/http/limits.hpp"
#include "node/http/router.hpp"
#include "protocol/result.hpp"

namespace herd::node::http {

class Server {
 public:
  struct Parts {
    std::shared_ptr<asio::io_context> io;  // run by the server's thread and no other; others may asio::post to it
    Router router;
    std::shared_ptr<Figures> figures;  // filled here; pages may read it
    Limits limits = {};
  };

  // Listens when it returns, at every address of the host. Fails if one is in use or the host is unknown.
  [[nodiscard]] static protocol::Result<std::unique_ptr<Server>> start(const Address& address, Parts parts);

  // Ends the thread and closes all connections, within milliseconds whatever clients do.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

 private:
  class Running;
  explicit Server(std::unique_ptr<Running> running);

  std::unique_ptr<Running> running_;
};

}  // namespace herd::node::http
