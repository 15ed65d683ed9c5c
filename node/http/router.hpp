// Maps method and path to the page that answers. A small table: filled before the server starts, not changed
// afterwards, read on the HTTP thread only.
//
//   Router router;
//   router.add("GET", "/healthz", [](const Request&, const Responder& responder) {
//     responder.send(text_response(200, "ok"));
//   });
#pragma once

#include <asio/ip/address.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "node/http/limits.hpp"
#include "node/http/response.hpp"

namespace herd::node::http {

class Connection;

// The handle by which a page answers one request: during the call or later, on the HTTP thread. Copies answer the same
// request. The first answer counts, later ones are ignored. An answer is ignored, too, after the client has
// disconnected and after Limits::answer_time, when the server has answered with 503.
class Responder {
 public:
  Responder(std::weak_ptr<Connection> connection, std::uint64_t request)
      : connection_(std::move(connection)), request_(request) {}

  // Answers with a complete response. A body above Limits::response_bytes becomes 500.
  void send(Response response) const;

  // Answers with a stream, which the connection pulls until it ends. At Limits::streams viewers the client gets 503.
  void stream(Stream stream) const;

 private:
  std::weak_ptr<Connection> connection_;
  std::uint64_t request_;  // number of the request on its connection
};

class Router {
 public:
  // Called on the HTTP thread; must not block. The request is valid during the call only; the responder may be copied
  // and used later. A std::exception from the page becomes 500.
  using Page = std::function<void(const Request&, const Responder&)>;

  // Decides whether a request from this address may be answered at all: nullopt, or the refusal. Called on the HTTP
  // thread before the page is looked up; must not block. A request with a body that may be answered is asked for twice.
  using Guard = std::function<std::optional<Response>(const Request&, const asio::ip::address& from)>;
  void set_guard(Guard guard) { guard_ = std::move(guard); }

  struct Options {
    std::size_t body_bytes = kMaxBodyBytes;  // the longest body, at most RequestLimits::body_bytes
    bool needs_length = true;                // of a POST; else one without Content-Length has no body (RFC 9112, 6.3)
  };

  // Adds a page. The path must equal the request's path after percent-decoding. A path that ends with `/*` is that of
  // every request with at least one more byte in place of the `*`; pages that were added before it come first. A page
  // for GET answers HEAD as well: the server omits the body.
  void add(std::string method, std::string path, Page page, const Options& options);
  void add(std::string method, std::string path, Page page) {
    add(std::move(method), std::move(path), std::move(page), {});
  }

  struct Found {
    const Page* page = nullptr;       // owned by the router; null if `refusal` is set
    std::optional<Response> refusal;  // of the guard, or 404, 405, 411 or 413
  };

  // Finds the page for a request; the body of the request may still be missing. Asks the guard first. Refuses with 405
  // and `Allow` a method that no path has or that this path does not have, with 404 and the list of paths an unknown
  // path, with 411 a POST without Content-Length, and with 413 a body that is too long for its page.
  [[nodiscard]] Found find(const Request& request, const asio::ip::address& from = {}) const;

 private:
  struct Route {
    std::string method;
    std::string path;
    Page page;
    Options options;
  };

  [[nodiscard]] std::vector<std::string> methods_of(std::optional<std::string_view> path) const;
  [[nodiscard]] Response not_found() const;

  std::vector<Route> routes_;
  Guard guard_;  // empty: every request may be answered
};

}  // namespace herd::node::http
