// A server with some pages on a free port of loopback, for tests. Only its thread uses the state that the pages share.
#pragma once

#include <asio/post.hpp>
#include <functional>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "node/http/event_ring.hpp"
#include "node/http/server.hpp"
#include "tests/catch.hpp"
#include "tests/node/free_port.hpp"
#include "tests/node/http/raw_client.hpp"

namespace herd::node::http {

class TestServer {
 public:
  explicit TestServer(const Limits& limits = {}, const EventRingLimits& ring_limits = {},
                      std::shared_ptr<const TlsContext> tls = nullptr)
      : ring(std::make_shared<EventRing>(ring_limits)) {
    Router router;
    add_pages(router);
    auto started = Server::start({"127.0.0.1", port}, {io, std::move(router), figures_, limits, std::move(tls)});
    if (!started) throw std::runtime_error(started.error().message);
    server = std::move(*started);
  }

  // Runs `ask` on the server's thread and returns its result.
  template <typename Ask>
  auto on_thread(Ask ask) {
    std::packaged_task<decltype(ask())()> task(std::move(ask));
    auto result = task.get_future();
    asio::post(*io, [&task] { task(); });
    return result.get();
  }

  Figures figures() {
    return on_thread([this] { return *figures_; });
  }

  std::shared_ptr<asio::io_context> io = std::make_shared<asio::io_context>(1);
  const std::uint16_t port = free_port();
  std::shared_ptr<EventRing> ring;
  std::unique_ptr<Server> server;

 private:
  void add_pages(Router& router) {
    router.add("GET", "/ok", [](const Request& request, const Responder& responder) {
      responder.send(text_response(200, request.query.empty() ? "ok" : request.query));
    });
    router.add("POST", "/echo", [](const Request& request, const Responder& responder) {
      responder.send({200, "application/octet-stream", request.body});
    });
    router.add("POST", "/count",
               [](const Request& request, const Responder& responder) {
                 responder.send(text_response(200, std::to_string(request.body.size())));
               },
               {.body_bytes = kMaxPageBodyBytes});
    router.add("GET", "/large", [](const Request& request, const Responder& responder) {
      responder.send({200, "text/plain", std::string(std::stoul(request.query), 'l')});  // throws without a number
    });
    router.add("GET", "/never", [this](const Request&, const Responder& responder) { kept_ = responder; });
    router.add("GET", "/late", [](const Request&, const Responder&) {});  // never answers
    router.add("GET", "/events", [this](const Request&, const Responder& responder) {
      responder.stream({"text/event-stream", ring->view()});
    });
  }

  std::shared_ptr<Figures> figures_ = std::make_shared<Figures>();
  std::optional<Responder> kept_;
};

inline std::string request_for(const std::string& path) {
  return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
}

}  // namespace herd::node::http
