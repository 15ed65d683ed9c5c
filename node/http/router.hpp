// Which page answers which path. A small table that is filled before the server starts and not changed afterwards.
//
//   Router router;
//   router.add("GET", "/healthz", [](const Request&, const Responder& responder) {
//     responder.send(text_response(200, "ok"));
//   });
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "node/http/response.hpp"

namespace herd::node::http {

class Connection;

// How a page answers, at once or later, but on the HTTP thread. Copies are the same responder; only the first answer
// counts, and none does once the client is gone or its time (Limits::answer_time) is over.
class Responder {
 public:
  Responder(std::weak_ptr<Connection> connection, std::uint64_t request)
      : connection_(std::move(connection)), request_(request) {}

  void send(Response response) const;
  void stream(Stream stream) const;

 private:
  std::weak_ptr<Connection> connection_;
  std::uint64_t request_;  // number of the request on its connection
};

class Router {
 public:
  // Called on the HTTP thread and must not block. The request is valid during the call only.
  using Page = std::function<void(const Request&, const Responder&)>;

  // A page for GET answers HEAD as well: the server leaves the body out. The path is compared exactly, after
  // percent-decoding.
  void add(std::string method, std::string path, Page page);

  // The page for a request, whose body need not be there yet; or the response without one: 404 with the paths that
  // there are, 405 with Allow for any method that no path, or not this one, takes, 411 for a POST without a length.
  struct Found {
    const Page* page = nullptr;
    std::optional<Response> refusal;
  };
  [[nodiscard]] Found find(const Request& request) const;

 private:
  struct Route {
    std::string method;
    std::string path;
    Page page;
  };

  [[nodiscard]] std::vector<std::string> methods_of(std::optional<std::string_view> path) const;
  [[nodiscard]] Response not_found() const;

  std::vector<Route> routes_;
};

}  // namespace herd::node::http
