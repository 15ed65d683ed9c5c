#include "node/http/http_server.hpp"

#include <asio/post.hpp>
#include <chrono>
#include <string>
#include <utility>

#include "node/base/loop_clock.hpp"
#include "node/http/host_check.hpp"
#include "node/http/page_files.hpp"
#include "node/observe/metrics.hpp"
#include "node/observe/name_conflict.hpp"

namespace herd::node {
namespace {

using http::Request;
using http::Responder;
using http::Response;
using protocol::Result;

std::string not_ready_reason(const Status& status) {
  if (status.name_conflict && !status.name_conflict->keeps_name) {
    return "not ready: " + refused_sentence(*status.name_conflict, status.node);
  }
  std::string down;
  for (const auto& link : status.links) {
    if (link.state != bus::Connected::Up) down += (down.empty() ? "" : ", ") + link.peer;
  }
  if (down.empty()) return "not ready: the first synchronisation is under way";
  return "not ready: the first synchronisation waits for " + down;
}

// At `ack = "write"` and "fsync", a node that cannot write its journal answers no IAMAT, so it is unhealthy and an
// operator must act. At "memory" it still answers: the status stays 200, and the text warns that a crash loses records.
Response health(const Status& status) {
  const JournalStatus& journal = status.journal;
  if (journal.trouble.empty()) return http::text_response(200, "ok");
  const std::string trouble = "the journal cannot be written: " + journal.trouble;
  return journal.replies_wait ? http::text_response(503, "not healthy: " + trouble)
                              : http::text_response(200, "ok, but " + trouble);
}

Response readiness(const Status& status) {
  if (!status.ready) return http::text_response(503, not_ready_reason(status));
  return http::text_response(200, "ready");
}

Response unavailable(std::string_view why) {
  return http::text_response(503, why);
}

// A page that renders the status with `show`; `refuse` makes the response if the loop does not publish one in time.
template <typename Show>
http::Router::Page page(std::shared_ptr<StatusBoard> board, std::string trouble, Show show,
                        Response (*refuse)(std::string_view) = unavailable) {
  return [board = std::move(board), trouble = std::move(trouble), show, refuse](const Request&,
                                                                                const Responder& responder) {
    board->read([trouble, show, refuse, responder](const std::shared_ptr<const Status>& status) {
      responder.send(status ? show(*status) : refuse(trouble + ": the loop has not answered within 1 s"));
    });
  };
}

http::Router pages(const std::shared_ptr<StatusBoard>& board, const std::shared_ptr<http::Figures>& figures) {
  http::Router router;
  http::add_page_files(router);
  router.add("GET", "/livez",
             page(board, "not alive", [](const Status&) { return http::text_response(200, "alive"); }));
  router.add("GET", "/healthz", page(board, "not healthy", health));
  router.add("GET", "/readyz", page(board, "not ready", readiness));
  router.add(
      "GET", "/metrics", page(board, "no metrics", [figures](const Status& status) {
        return Response{200, "text/plain; version=0.0.4", to_prometheus(status, read_process_metrics(), *figures)};
      }));
  router.add("GET", "/status.json", page(board, "no status", [](const Status& status) {
               return Response{200, "application/json", to_json(status)};
             }));
  router.add("GET", "/v1/herd",
             page(
                 board, "no status",
                 [](const Status& status) {
                   return Response{200, "application/json", to_herd_json(status)};
                 },
                 [](std::string_view why) { return http::retry_later(503, why); }));
  return router;
}

http::Router::Guard guard(bool checks_host, std::shared_ptr<http::TokenGuard> tokens) {
  return [checks_host, tokens = std::move(tokens)](const Request& request, const asio::ip::address& from) {
    auto refusal = checks_host ? http::check_host(request) : std::nullopt;
    if (refusal) return refusal;
    return tokens->check(request, from, read_clocks());
  };
}

}  // namespace

void HttpServer::use_tokens(http::TokenGuard::Tables tokens) {
  asio::post(*parts_.io,
             [guard = parts_.tokens, tokens = std::move(tokens)]() mutable { guard->use(std::move(tokens)); });
}

Result<std::unique_ptr<HttpServer>> HttpServer::start(const Address& address, std::function<void()> ask_loop,
                                                      const http::Limits& limits, HttpSecurity security,
                                                      const AddPages& add_pages) {
  auto io = std::make_shared<asio::io_context>(1);
  auto board = std::make_shared<StatusBoard>(io, std::move(ask_loop));
  auto figures = std::make_shared<http::Figures>();
  auto token_guard = std::make_shared<http::TokenGuard>(std::move(security.tokens));
  http::Router router = pages(board, figures);
  if (add_pages) add_pages(router, {io, token_guard, figures});
  router.set_guard(guard(is_loopback(address), token_guard));
  auto server = http::Server::start(address, {io, std::move(router), figures, limits, std::move(security.tls)});
  if (!server) return tl::unexpected(server.error());
  return std::unique_ptr<HttpServer>(
      new HttpServer({std::move(io), std::move(token_guard), std::move(board), std::move(*server)}));
}

}  // namespace herd::node
