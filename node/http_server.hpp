// The node's small HTTP server, for probes, Prometheus and people: /healthz, /readyz, /metrics and /status.json, by GET
// and HEAD. It owns its threads (one that accepts, three that answer) and the listening socket; all they see of the
// node is the StatusBoard, so no request can hold the loop up.
#pragma once

#include <chrono>
#include <memory>

#include "node/config.hpp"
#include "node/status_board.hpp"
#include "protocol/result.hpp"

namespace herd::node {

class HttpServer {
 public:
  static constexpr std::chrono::milliseconds kStopPatience{2'000};

  // Listens when it returns. Fails if the address cannot be bound, also if another process listens there already.
  // `address.port` is not 0: that means no server, which is the caller's to see.
  [[nodiscard]] static protocol::Result<std::unique_ptr<HttpServer>> start(const Address& address,
                                                                           std::shared_ptr<StatusBoard> board);

  // Closes the board, stops listening and joins the threads: a few milliseconds, or a second or two while a client is
  // silent in the middle of its request. A client that keeps its request coming byte by byte is waited for no longer
  // than kStopPatience: its thread is then left to the end of the process.
  ~HttpServer();

  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

 private:
  struct Running;
  explicit HttpServer(std::shared_ptr<Running> running) : running_(std::move(running)) {}

  std::shared_ptr<Running> running_;  // shared with the accepting thread
};

}  // namespace herd::node
