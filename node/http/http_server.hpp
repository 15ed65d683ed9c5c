// The node's pages for probes, Prometheus and people, by GET and HEAD: /healthz, /readyz, /metrics and /status.json.
// The server that they run on (node/http/server.hpp) has a thread of its own: a loop that is stuck must still be
// reported. All that thread sees of the node is the StatusBoard, so no request can hold the loop up.
#pragma once

#include <functional>
#include <memory>

#include "node/base/address.hpp"
#include "node/http/server.hpp"
#include "node/observe/status.hpp"
#include "node/observe/status_board.hpp"
#include "protocol/result.hpp"

namespace herd::node {

class HttpServer {
 public:
  // Listens when it returns, at every address of the host. Fails if one of them is in use or cannot be had. `ask_loop`
  // is called on the server's thread and must bring the loop to call publish() soon. `address.port` is not 0: that
  // means no server, which the caller checks.
  [[nodiscard]] static protocol::Result<std::unique_ptr<HttpServer>> start(const Address& address,
                                                                           std::function<void()> ask_loop,
                                                                           const http::Limits& limits = {});

  // Loop thread: the status that was asked for. Does not wait.
  void publish(std::shared_ptr<const Status> status) { board_->publish(std::move(status)); }

  // Its destructor ends the thread and closes all connections, within milliseconds whatever clients do.

 private:
  HttpServer(std::shared_ptr<StatusBoard> board, std::unique_ptr<http::Server> server)
      : board_(std::move(board)), server_(std::move(server)) {}

  std::shared_ptr<StatusBoard> board_;
  std::unique_ptr<http::Server> server_;  // ends before the board
};

}  // namespace herd::node
