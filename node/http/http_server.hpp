// The node's HTTP pages for probes, Prometheus and people: /livez, /healthz, /readyz, /metrics and /status.json, by GET
// and HEAD, and those that its owner adds. They run on the thread of their server (node/http/server.hpp), so that a
// stuck event loop can still be reported. That thread reads the node's state through the StatusBoard. Questions of the
// API run in the loop, within its slices (node/api). Created, published to and destroyed on the loop thread.
#pragma once

#include <asio/io_context.hpp>
#include <functional>
#include <memory>
#include <utility>

#include "node/base/address.hpp"
#include "node/config/token_table.hpp"
#include "node/http/server.hpp"
#include "node/http/token_guard.hpp"
#include "node/observe/status.hpp"
#include "node/observe/status_board.hpp"
#include "node/tls/tls_context.hpp"
#include "protocol/result.hpp"

namespace herd::node {

// Who may read the pages, and how they are protected on their way.
struct HttpSecurity {
  http::TokenGuard::Tables tokens = {};             // node/http/token_guard.hpp
  std::shared_ptr<const TlsContext> tls = nullptr;  // nullptr: plain text
};

class HttpServer {
 public:
  // What pages of others share with the server. `io` is run by the server's thread; the rest is used on that thread
  // only.
  struct Shared {
    std::shared_ptr<asio::io_context> io;
    std::shared_ptr<http::TokenGuard> guard;
    std::shared_ptr<http::Figures> figures;
  };
  // Adds pages.
  using AddPages = std::function<void(http::Router&, const Shared&)>;

  // Listens on every address of the host before it returns. Returns an error if one of them is in use or cannot be
  // bound, or if the host name cannot be resolved. `ask_loop` is called on the server's thread, must not block, and
  // must make the loop call publish() soon. On a loopback address, a request to another name is refused
  // (node/http/host_check.hpp). `add_pages` is called once, before this returns. Precondition: `address.port` is not 0
  // (in the configuration 0 means no server).
  [[nodiscard]] static protocol::Result<std::unique_ptr<HttpServer>> start(const Address& address,
                                                                           std::function<void()> ask_loop,
                                                                           const http::Limits& limits = {},
                                                                           HttpSecurity security = {},
                                                                           const AddPages& add_pages = {});

  // Answers the requests that wait for a status. Loop thread; does not block.
  void publish(std::shared_ptr<const Status> status) { parts_.board->publish(std::move(status)); }

  // The tokens of a reload, as for start(). Requests after it are judged by them. Loop thread; does not block.
  void use_tokens(http::TokenGuard::Tables tokens);

  // The TLS context of a reload, as for start(). Connections accepted after it use it. Loop thread; does not block.
  void use_tls(std::shared_ptr<const TlsContext> tls) { parts_.server->use_tls(std::move(tls)); }

  // The destructor ends the thread and closes all connections. It takes milliseconds, whatever clients do.

 private:
  struct Parts {
    std::shared_ptr<asio::io_context> io;
    std::shared_ptr<http::TokenGuard> tokens;  // used on the server's thread only
    std::shared_ptr<StatusBoard> board;
    std::unique_ptr<http::Server> server;  // declared last: its thread ends before the board is destroyed
  };
  explicit HttpServer(Parts parts) : parts_(std::move(parts)) {}

  Parts parts_;
};

}  // namespace herd::node
